// The threads behind the databases die, for no reason that anybody foresaw: the process lives, and opens them again.

import { expect, test } from 'vitest';
import { startChildGateway } from '../support/child-gateway.ts';

/** Loaded into every thread of the gateway: those of the two databases throw some time after they were started. */
const FUSE = `
import { isMainThread, workerData } from 'node:worker_threads';
const isDatabase = !isMainThread && /(registry|fieldgate)\\.db$/.test(workerData?.file ?? '');
if (isDatabase) setTimeout(() => { throw new Error('a fault that nobody foresaw'); }, 1500);
`;

test('when the threads of the databases die, nothing acked is lost, the process goes on and both databases are opened again', {
  timeout: 60_000,
}, async () => {
  await using gateway = await startChildGateway([], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(FUSE)}`,
  });
  const { pid } = gateway;
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'pump-1' });
  let acked = 0;
  let ends = 0;
  const startedMs = performance.now();
  // through three deaths of the writer at least
  while (ends < 3 || performance.now() - startedMs < 6_000) {
    try {
      await using device = await gateway.device(token);
      const welcome = await device.hello('stream-00001', { oldest: acked + 1, next: acked + 2 });
      expect(welcome.acked).toBeGreaterThanOrEqual(acked);
      acked = welcome.acked;
      for (;;) {
        device.send({ type: 'readings', seq: acked + 1, readings: [{ n: 't', v: acked + 1 }] });
        const { seq } = await device.until((message) => message.type === 'ack');
        acked = seq;
      }
    } catch (error) {
      if (!/closed 1011|refused with 503/.test(String(error))) throw error;
      if (String(error).includes('1011')) ends++;
    }
  }
  await expect
    .poll(async () => (await gateway.local('GET', '/v1/accounting?device=pump-1&verify=true').catch(() => null))?.items, {
      timeout: 20_000,
    })
    .toMatchObject([{ settled: expect.any(Number), unexplained: 0 }]);
  const [books] = (await gateway.local('GET', '/v1/accounting?device=pump-1&verify=true')).items;
  expect(books.stored).toBeGreaterThanOrEqual(acked);
  expect(books.readings).toBe(books.stored);
  await gateway.local('POST', '/v1/devices', { id: 'pump-2' });
  expect(gateway.pid).toBe(pid);
  console.log(`${ends} deaths of the writer under load, ${acked} frames acked`);
});
