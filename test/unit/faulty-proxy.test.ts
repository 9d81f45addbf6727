// The faulty proxy does what its name says, and nothing else: bytes of a good link arrive unchanged.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type FaultyLink, type FaultyProxy, openFaultyProxy } from '../support/faulty-proxy.ts';
import { until } from '../support/until.ts';

interface World extends AsyncDisposable {
  readonly proxy: FaultyProxy;
  readonly link: FaultyLink;
  readonly near: End;
  readonly far: End;
}
interface End {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  readonly bytes: number;
  ended: boolean;
  error: string;
  closed: boolean;
}

function watch(socket: Socket): End {
  const end: End = {
    socket,
    chunks: [],
    get bytes() {
      return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    },
    ended: false,
    error: '',
    closed: false,
  };
  socket.on('data', (data: Buffer) => end.chunks.push(data));
  socket.on('end', () => (end.ended = true));
  socket.on('error', (error: NodeJS.ErrnoException) => (end.error = error.code ?? ''));
  socket.on('close', () => (end.closed = true));
  return end;
}

async function openWorld(): Promise<World> {
  const ends: End[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => ends.push(watch(socket)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const links: FaultyLink[] = [];
  const port = (server.address() as AddressInfo).port;
  const proxy = await openFaultyProxy({ port: () => port, onLink: (link) => links.push(link) });
  const near = watch(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
  await until(
    () => ends.length === 1,
    () => 'no connection',
  );
  return {
    proxy,
    link: links[0]!,
    near,
    far: ends[0]!,
    async [Symbol.asyncDispose]() {
      near.socket.destroy();
      ends[0]!.socket.destroy();
      await proxy[Symbol.asyncDispose]();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const holds = (condition: () => boolean): Promise<void> => until(condition, () => 'it did not come', { patienceMs: 10_000 });
const text = ({ chunks }: End): string => Buffer.concat(chunks).toString();

test('a good link carries both ways, and passes an end on', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  near.socket.write('up');
  far.socket.write('down');
  await holds(() => text(far) === 'up' && text(near) === 'down');
  expect([link.bytes('up'), link.bytes('down')]).toStrictEqual([2, 4]);
  near.socket.end('last');
  await holds(() => far.ended);
  expect(text(far)).toBe('uplast');
  far.socket.end();
  await holds(() => near.ended && near.closed && far.closed);
});

test('a delay holds one way back and not the other', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  link.delay('up', 300);
  const startedMs = performance.now();
  near.socket.write('late');
  far.socket.write('soon');
  await holds(() => text(near) === 'soon');
  expect(far.bytes).toBe(0);
  await holds(() => text(far) === 'late');
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(299);
});

test('slices arrive in order, and in pieces', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  link.slice('up', 3, 20);
  near.socket.write('x'.repeat(50) + 'y'.repeat(50));
  await holds(() => far.bytes === 100);
  expect(text(far)).toBe('x'.repeat(50) + 'y'.repeat(50));
  expect(far.chunks.length).toBeGreaterThan(5);
});

test('a stalled way keeps everything until it goes on', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  link.stall('up');
  near.socket.write('kept');
  await holds(() => link.bytes('up') === 4);
  far.socket.write('other way');
  await holds(() => text(near) === 'other way');
  expect(far.bytes).toBe(0);
  link.resume('up');
  await holds(() => text(far) === 'kept');
});

test('a truncated way ends after exactly so many bytes, with a reset on both sides', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  link.truncate('up', 5);
  near.socket.write('0123456789');
  await holds(() => near.closed && far.closed);
  expect('01234'.startsWith(text(far))).toBe(true);
  expect([near.error, far.error]).toStrictEqual(['ECONNRESET', 'ECONNRESET']);
});

test('a half-open link is silent for ever: neither side hears of the other, not even of its end', async () => {
  await using world = await openWorld();
  const { near, far, link, proxy } = world;
  link.halfOpen();
  far.socket.write('nobody hears');
  near.socket.resetAndDestroy();
  await holds(() => near.closed && link.bytes('down') > 0);
  link.resume('up');
  expect([near.bytes, far.ended, far.closed]).toStrictEqual([0, false, false]);
  proxy.heal();
  await holds(() => far.closed);
});

test('a FIN on one way ends that side alone', async () => {
  await using world = await openWorld();
  const { near, far, link } = world;
  link.finish('up');
  await holds(() => far.ended);
  near.socket.write('swallowed');
  far.socket.write('goes on');
  await holds(() => text(near) === 'goes on' && link.bytes('up') > 0);
  expect([near.ended, far.bytes]).toStrictEqual([false, 0]);
});
