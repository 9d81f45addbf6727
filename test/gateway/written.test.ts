// What a gateway writes to its disk, as an operator sees it.

import { expect, test } from 'vitest';
import { startTestGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

test('what was written is told by /v1/stats and on /metrics, and rises with what is stored', async () => {
  await using gateway = await startTestGateway();
  const written = async () => (await gateway.admin('/v1/stats')).json().written;
  const token = await gateway.addDevice('pump-1');
  const pack = JSON.stringify(Array.from({ length: 500 }, (_, i) => ({ n: `m${i % 5}`, v: i, t: 1_700_000_000 + i })));
  const before = await written();
  expect(before).toStrictEqual({
    logBytes: expect.any(Number),
    databaseBytes: expect.any(Number),
    processBytes: process.platform === 'linux' ? expect.any(Number) : null,
    bytesPerDay: null,
  });
  const headers = { 'Content-Type': 'application/senml+json', Authorization: `Bearer ${token}` };
  const { status, text } = await gateway.request('/v1/readings', { method: 'POST', headers, body: pack });
  expect(status, text).toBeLessThan(300);
  let now = before;
  await until(
    async () => {
      now = await written();
      return now.logBytes > before.logBytes + 8192;
    },
    () => JSON.stringify({ before, now }),
  );
  const { text: metrics } = await gateway.local('/metrics');
  for (const part of ['log', 'database', 'process'])
    expect(Number(new RegExp(`^fieldgate_written_bytes\\{part="${part}"\\} (\\d+)$`, 'm').exec(metrics)?.[1]), part).toBeGreaterThanOrEqual(
      part === 'log' ? now.logBytes : 0,
    );
});
