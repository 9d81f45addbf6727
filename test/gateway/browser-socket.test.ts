// The device client over the WebSocket that browsers have, here the one of Node: the same interface, no header, no pings.

import { expect, test } from 'vitest';
import { openBrowserSocket } from '../../gateway/protocol/browser-socket.ts';
import { type ClientState, createDeviceClient } from '../../gateway/protocol/device-client.ts';
import { createMemoryBuffer, makeStreamId } from '../../gateway/protocol/send-buffer.ts';
import { startTestGateway } from '../support/gateway.ts';

function startClient(url: string, token: string) {
  const states: ClientState[] = [];
  const client = createDeviceClient({
    connect: (events) => openBrowserSocket({ url, token }, events),
    buffer: createMemoryBuffer({ stream: makeStreamId(Math.random) }),
    clock: {
      nowMs: () => performance.now(),
      after(delayMs, run) {
        const timer = setTimeout(run, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    random: () => Math.random() / 10,
    software: 'page 1',
    onState: (state) => states.push(state),
  });
  client.start();
  return { states, client, [Symbol.dispose]: () => client.close() };
}

test('a device in a page sends what it has, over a restart of the gateway too', async () => {
  await using gateway = await startTestGateway({ config: { tls: 'off' } });
  using running = startClient(gateway.url.replace('http', 'ws'), await gateway.addDevice('page-1'));
  running.client.send([{ n: 'count', v: 1 }]);
  await expect.poll(() => running.client.unsettled, { timeout: 20_000 }).toBe(0);
  await gateway.restart();
  running.client.send([{ n: 'count', v: 2 }]);
  await expect.poll(() => running.client.unsettled, { timeout: 20_000 }).toBe(0);
  expect(running.states.filter(({ state }) => state === 'online')).toHaveLength(2);
  expect(running.states).toContainEqual(expect.objectContaining({ state: 'waiting', why: 'restarting' }));
});

test('a page is not told why it was refused, so its device goes on trying', async () => {
  await using gateway = await startTestGateway({ config: { tls: 'off' } });
  using running = startClient(gateway.url.replace('http', 'ws'), `fgd_${'x'.repeat(43)}`);
  await expect.poll(() => running.states.filter(({ state }) => state === 'waiting').length, { timeout: 20_000 }).toBeGreaterThan(1);
  expect(running.states).toContainEqual(expect.objectContaining({ why: 'closed', end: { code: 1006, reason: '' } }));
});
