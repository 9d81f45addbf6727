// Posts that come slowly, in numbers, too fast or too late: what each device may have under way, and what ends it.

import { request as httpsRequest } from 'node:https';
import { expect, test } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

test('a post that opens one stream too many does not retire the one that is open on a socket', async () => {
  await using gateway = await startTestGateway({ limits: { openStreams: 2 } });
  await using device = await gateway.device('pump-1');
  await device.hello('socket-stream');
  device.send({ type: 'readings', seq: 1, readings: [{ n: 'a', v: 1 }] });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 1 });
  const token = await gateway
    .local('/v1/devices/pump-1/tokens', { method: 'POST', body: { overlapSeconds: 3600 } })
    .then((answer) => answer.json().token as string);
  for (const stream of ['posted-stream-1', 'posted-stream-2', 'posted-stream-3']) {
    const answer = await gateway.request('/v1/readings', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Fieldgate-Stream': stream,
        'Fieldgate-Seq': '1',
        'Content-Type': 'application/senml+json',
      },
      body: '[{"n":"b","v":1}]',
    });
    expect([answer.status, answer.text]).toStrictEqual([200, expect.stringContaining('"stored":1')]);
  }
  device.send({ type: 'readings', seq: 2, readings: [{ n: 'a', v: 2 }] });
  expect(await device.next()).toStrictEqual({ type: 'ack', seq: 2 });
  device.ws.close();
  await device.closed();
  await using again = await gateway.device('pump-1');
  expect(await again.hello('socket-stream', { oldest: 3, next: 3 })).toMatchObject({ acked: 2 });
});

/** A POST whose body comes in two parts; `finish` sends the second and resolves with the status. */
function slowPost(gateway: TestGateway, token: string, first: string, last: string) {
  const answered = Promise.withResolvers<{ status: number; headers: Record<string, unknown>; text: string }>();
  const outgoing = httpsRequest(
    {
      host: '127.0.0.1',
      port: gateway.port,
      path: '/v1/readings',
      method: 'POST',
      ca: gateway.caPem,
      servername: 'localhost',
      agent: false,
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/senml+json',
        'Content-Length': String(Buffer.byteLength(first + last)),
      },
    },
    (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part: string) => {
        text += part;
      });
      incoming.on('end', () => answered.resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
    },
  );
  outgoing.on('error', (error) => answered.reject(error));
  outgoing.write(first);
  return {
    answered: answered.promise,
    finish: () => {
      outgoing.end(last);
      return answered.promise;
    },
    drop: () => outgoing.destroy(),
  };
}

test('P14 a credential that ends while the body is still coming stores nothing', async () => {
  await using gateway = await startTestGateway();
  for (const [id, target] of [
    ['revoked-1', '/v1/devices/revoked-1/tokens'],
    ['removed-1', '/v1/devices/removed-1'],
  ] as const) {
    const token = await gateway.addDevice(id);
    const post = slowPost(gateway, token, '[{"n":"a",', '"v":1}]');
    // the first part has arrived when a later request of the same device was answered
    await gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/senml+json' },
      body: '[{"n":"b","v":1}]',
    });
    await gateway.admin(target, { method: 'DELETE' });
    expect((await post.finish()).status).toBe(401);
    const { items } = (await gateway.admin(`/v1/accounting?device=${id}`)).json();
    expect(items.reduce((sum: number, item: { readings: number }) => sum + item.readings, 0)).toBeLessThanOrEqual(1);
  }
});

test('a device has sixteen posts under way at most; a further one is told to come again', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  const all = Array.from({ length: 16 }, () => slowPost(gateway, token, '[{"n":"a",', '"v":1}]'));
  const ask = () =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/senml+json' },
      body: '[{"n":"b","v":1}]',
    });
  await expect.poll(async () => (await ask()).status).toBe(503);
  const refused = await ask();
  expect([refused.json().code, refused.headers['retry-after']]).toStrictEqual(['busy', '1']);
  expect((await Promise.all(all.map((post) => post.finish()))).map(({ status }) => status)).toStrictEqual(Array(16).fill(200));
  expect((await ask()).status).toBe(200);
});

test('posts that wait for their rate are turned away when the gateway stops, and keep it from nothing', async () => {
  const gateway = await startTestGateway({ limits: { deviceReadingsPerSecond: 1, deviceReadingsBurst: 1 } });
  const token = await gateway.addDevice('pump-1');
  const ask = (body: string) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/senml+json' },
      body,
    });
  expect((await ask(JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ n: 'a', v: i }))))).status).toBe(200);
  const waiting = ask('[{"n":"a","v":1}]');
  const startedMs = performance.now();
  // it waits: others are served meanwhile
  expect((await gateway.request('/healthz')).status).toBe(200);
  await gateway[Symbol.asyncDispose]();
  expect(performance.now() - startedMs).toBeLessThan(12_000);
  const answer = await waiting.catch(() => null);
  if (answer !== null) expect([answer.status, answer.json().code]).toStrictEqual([503, 'draining']);
});

test('a repeated post to a stream that was retired meanwhile is still the duplicate that it is', async () => {
  await using gateway = await startTestGateway({ limits: { openStreams: 1 } });
  const token = await gateway.addDevice('pump-1');
  const ask = (stream: string, seq: number) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/senml+json',
        'Fieldgate-Stream': stream,
        'Fieldgate-Seq': String(seq),
      },
      body: `[{"n":"a","v":${seq}}]`,
    });
  expect((await ask('stream-one', 1)).status).toBe(200);
  expect((await ask('stream-two', 1)).status).toBe(200);
  expect((await ask('stream-one', 1)).json()).toStrictEqual({ stored: 0, duplicate: true });
  expect((await ask('stream-one', 2)).json()).toMatchObject({ code: 'stream-closed' });
});
