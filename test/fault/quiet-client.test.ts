import { expect, test } from 'vitest';
import { runQuietClient } from './quiet-client.ts';

test('a client whose read deadline only pings move, and that answers them with empty pongs, stays connected', {
  timeout: 120_000,
}, async () => {
  expect((await runQuietClient({ pingSeconds: 1, deadlineSeconds: 3, seconds: 20 })).faults).toEqual([]);
});
