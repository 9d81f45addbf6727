// The path that every supported browser must go, in Firefox: sign in, a live value, the gateway restarted, back by itself.

import { expect, test } from 'vitest';
import { openFirefox } from '../support/firefox.ts';
import { startTestGateway } from '../support/gateway.ts';

test('Firefox signs in, shows a value live, and comes back by itself when the gateway was restarted', async () => {
  await using gateway = await startTestGateway();
  const token = await gateway.addDevice('pump-1');
  const post = (value: number) =>
    gateway.request('/v1/readings', {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: [{ n: 'pressure', u: 'bar', v: value }],
    });
  await post(4.2);
  await gateway.local('/v1/users', { method: 'POST', body: { name: 'maria', role: 'operator', password: 'a few words in a row' } });

  await using firefox = await openFirefox();
  const { page } = firefox;
  const shows = (words: string) => page.locator(`::-p-text(${words})`).wait();
  await page.goto(`${gateway.url}/devices/pump-1`);
  await page.locator('input[name="user"]').fill('maria');
  await page.locator('input[name="password"]').fill('a few words in a row');
  await page.locator('button[type="submit"]').click();
  await page.locator('[data-link="live"]').wait();
  // signing in goes on where one wanted to be
  expect(new URL(page.url()).pathname).toBe('/devices/pump-1');
  await shows('4.2');
  await page.locator('main canvas').wait();
  await post(4.3);
  await shows('4.3');

  await gateway.restart();
  await post(4.4);
  await shows('4.4');
  await page.locator('[data-link="live"]').wait();
  await post(4.5);
  await shows('4.5');
  expect(firefox.faults).toEqual([]);
});
