// kill -9 in the middle of posts and replays: what is sent again until it is answered is stored once, in order.

import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startChildGateway } from '../support/child-gateway.ts';
import { createRandom, freshSeed } from '../support/seeded-random.ts';

const KILLS = 8;
const POSTS_BETWEEN = 12;
const STREAM = 'kill-stream';
const seed = freshSeed();

test(`numbered posts and replays over ${KILLS} kills are stored once each, and the books balance (seed ${seed})`, {
  timeout: 240_000,
}, async () => {
  const random = createRandom(seed);
  await using gateway = await startChildGateway(['--tls', 'off']);
  const { token } = await gateway.local('POST', '/v1/devices', { id: 'pump-1' });
  const { key } = await gateway.local('POST', '/v1/keys', { name: 'operator', role: 'operator' });
  const send = (target: string, secret: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${gateway.port}${target}`, {
      method: 'POST',
      body,
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json', Connection: 'close', ...headers },
    });
  /** Resolves when the gateway takes connections again. */
  let running: Promise<unknown> = Promise.resolve();
  /** The same bytes until somebody answers. */
  const insist = async (attempt: () => Promise<Response>): Promise<number> => {
    for (;;) {
      const answer = await attempt().catch(() => null);
      if (answer !== null && answer.status !== 503) return answer.status;
      await running;
    }
  };
  const post = (seq: number) => (): Promise<Response> =>
    // every fifth has a record that can't be stored, and every seventh has nothing else
    send(
      '/v1/readings',
      token,
      JSON.stringify([...(seq % 7 === 0 ? [] : [{ n: 'm', v: seq }]), ...(seq % 5 === 0 || seq % 7 === 0 ? [{ n: 'r', vs: seq }] : [])]),
      { 'Fieldgate-Stream': STREAM, 'Fieldgate-Seq': String(seq) },
    );
  const replay = (row: number) => (): Promise<Response> =>
    send(`/v1/quarantine/${row}/replay`, key, JSON.stringify({ raw: `{"n":"r","v":${row}}` }));

  let seq = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    for (let n = 0; n < POSTS_BETWEEN; n++) expect([200, 422]).toContain(await insist(post(++seq)));
    // one of each is under way when it is killed
    const underWay = [insist(post(++seq)), insist(replay(kills + 1))];
    for (let turns = random.whole(0, 40); turns > 0; turns--) await turn();
    running = gateway.kill('SIGKILL').then(() => gateway.start());
    await running;
    const [posted, replayed] = await Promise.all(underWay);
    expect([200, 422]).toContain(posted);
    expect(replayed).toBe(200);
  }

  const read = (metric: string) => gateway.local('GET', `/v1/readings?device=pump-1&metric=${metric}&from=0&limit=10000`);
  const valuesOf = (answer: { readings: number[][] }): number[] => answer.readings.map((reading) => reading[1]);
  const sent = Array.from({ length: seq }, (_, i) => i + 1);
  expect(valuesOf(await read('m'))).toEqual(sent.filter((n) => n % 7 !== 0));
  expect(valuesOf(await read('r')).sort((a, b) => a - b)).toEqual(Array.from({ length: KILLS }, (_, i) => i + 1));
  for (const verify of [false, true]) {
    const { items } = await gateway.local('GET', `/v1/accounting?device=pump-1&verify=${verify}`);
    expect(items).toMatchObject([
      { stream: STREAM, settled: seq, unexplained: 0, refused: sent.filter((n) => n % 5 === 0 || n % 7 === 0).length },
      { stream: '~replay', settled: KILLS, stored: KILLS, unexplained: 0 },
    ]);
  }
});
