// A TCP link that carries only so many bytes a second towards the gateway; the way back is not slowed.

import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface SlowLink extends AsyncDisposable {
  readonly port: number;
}

const STEP_MS = 50;

export async function openSlowLink(target: number, bytesPerSecond: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    sockets.add(near).add(far);
    let waiting = Buffer.alloc(0);
    near.on('data', (data: Buffer) => {
      waiting = Buffer.concat([waiting, data]);
    });
    far.pipe(near);
    const timer = setInterval(() => {
      const some = waiting.subarray(0, Math.ceil((bytesPerSecond * STEP_MS) / 1000));
      waiting = waiting.subarray(some.length);
      if (some.length > 0) far.write(some);
    }, STEP_MS);
    timers.add(timer);
    for (const socket of [near, far]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        clearInterval(timer);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
