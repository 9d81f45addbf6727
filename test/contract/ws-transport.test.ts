import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket } from 'ws';
import { createLiveness } from '../../gateway/transports/liveness.ts';
import { createWsTransport } from '../../gateway/transports/ws.ts';
import { DEFAULTS } from '../../gateway/config.ts';
import { createRecordedObserve } from '../support/recorded-observe.ts';
import { transportContract } from './transport.ts';

transportContract(async (openSession) => {
  const liveness = createLiveness();
  const transport = createWsTransport({
    openSession,
    limits: DEFAULTS.limits,
    livenessOf: () => DEFAULTS.liveness,
    liveness,
    observe: createRecordedObserve(),
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const device = String(request.headers['x-device']);
    transport.accept({
      peer: { device, tokenId: 'token', address: '127.0.0.1' },
      request,
      socket,
      raw: socket as Socket,
      head,
      subprotocol: null,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    transport,
    async connect(device) {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { 'x-device': device }, perMessageDeflate: false });
      const messages: string[] = [];
      const waiting: ((text: string) => void)[] = [];
      ws.on('message', (data) => {
        const next = waiting.shift();
        if (next === undefined) messages.push(data.toString());
        else next(data.toString());
      });
      const closed = new Promise<number>((resolve) => ws.on('close', resolve));
      await new Promise((resolve, reject) => {
        ws.on('open', resolve);
        ws.on('error', reject);
      });
      return {
        send: (text) => ws.send(text),
        received() {
          const ready = messages.shift();
          return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
        },
        closed: () => closed,
        leave: () => ws.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      liveness.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
});
