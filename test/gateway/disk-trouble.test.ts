// What the API answers when the disk under it fails: 503 with words for the operator, never a crash, and no more than that to see.

import { expect, test } from 'vitest';
import type { DiskFault } from '../../gateway/storage/store.ts';
import { openApiHouse } from '../support/api-house.ts';

const WORDS: Readonly<Record<DiskFault, RegExp>> = {
  full: /make room/,
  'read-only': /read-only/,
  failing: /fails to read or write/,
  damaged: /from a backup/,
};

test('what a failing disk cannot read or save is answered 503 disk-trouble with what to do, and the rest goes on', async () => {
  let fault: DiskFault = 'full';
  const broken = (): Promise<never> => Promise.reject(Object.assign(new Error('/secret/path failed'), { fault, code: 'SQLITE_IOERR' }));
  await using house = await openApiHouse({
    wrapStore: (store) => ({ ...store, read: broken }),
    deps: { registry: { load: broken, commit: broken, audit: broken, close: async () => undefined } },
  });
  for (const [kind, words] of Object.entries(WORDS)) {
    fault = kind as DiskFault;
    for (const target of ['/v1/events', '/v1/audit']) {
      const { status, json, headers, text } = await house.ask('GET', target, { as: 'admin' });
      expect([status, json.code], `${kind} ${target}`).toStrictEqual([503, 'disk-trouble']);
      expect(json.detail).toMatch(words);
      expect(text).not.toContain('secret');
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  }
  expect((await house.ask('GET', '/v1/devices', { as: 'viewer' })).status).toBe(200);
  expect((await house.ask('GET', '/healthz')).status).toBe(200);
});
