// What the oracle makes of a gateway's answers, played by a server that says whatever a test wants.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createApiClient } from '../../device-sim/api-client.ts';
import { Failure } from '../../device-sim/failure.ts';
import { type FetchedDevice, fetchStored } from '../../device-sim/fetch-stored.ts';
import { openTarget } from '../../gateway/client/target.ts';

type Answer = (ask: URLSearchParams, response: ServerResponse) => void;
interface Answers {
  readonly history?: Answer;
  readonly commits?: Answer;
  readonly quarantine?: Answer;
}

const json = (response: ServerResponse, body: object, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const NOTHING: Required<Answers> = {
  history: (_, response) => json(response, { series: [], next: null, cursor: 'store.0' }),
  commits: (_, response) => response.writeHead(200).end(),
  quarantine: (_, response) => json(response, { items: [], next: null }),
};
const ROW = { device: 'pump-1', stream: 'stream-0001', acked: 1, settled: 1, stored: 1, quarantined: 0, gaps: 0, unexplained: 0 };
const COUNTS = { readings: 2, refused: 0, expired: 0, evicted: 0, discarded: 0 };

async function fetched(answers: Answers): Promise<FetchedDevice> {
  const { history, commits, quarantine } = { ...NOTHING, ...answers };
  const server = createServer((request: IncomingMessage, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    expect(request.headers.authorization).toBe('Bearer key');
    expect(searchParams.get('device')).toBe('pump-1');
    if (pathname === '/v1/quarantine') quarantine(searchParams, response);
    else (searchParams.has('since') ? commits : history)(searchParams, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api = createApiClient(openTarget({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }), 1);
  try {
    const books = [
      { ...ROW, ...COUNTS },
      { ...ROW, ...COUNTS, device: 'pump-2' },
    ];
    return await fetchStored({ api, key: 'key', store: 'store', books, recount: books }, 'pump-1');
  } finally {
    api.close();
    server.closeAllConnections();
    server.close();
  }
}

const series = (metric: string, ...readings: [number, unknown][]) => ({ device: 'pump-1', metric, unit: 'Cel', readings });
const lines = (...records: object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');

test('pages and the two orders are put together, and nothing of other devices', async () => {
  const { stored, disagreements, unordered } = await fetched({
    history(ask, response) {
      if (ask.get('next') === null)
        json(response, { series: [series('a', [1000, 1], [2000, 'x\u2028y']), series('b', [1500, true])], next: 'more', cursor: '' });
      else json(response, { ...series('a', [2000, 2]), next: null, cursor: '' });
    },
    commits(ask, response) {
      expect(ask.get('since')).toBe('store.0');
      const text = lines(
        { n: 'b', u: 'Cel', t: 1.5, vb: true },
        { n: 'a', u: 'Cel', t: 2, vs: 'x\u2028y' },
        { n: 'a', u: 'Cel', t: 2, v: 2 },
        { n: 'a', u: 'Cel', bt: 1, t: 0, v: 1 },
      );
      // cut in the middle of a line, and of a character
      const bytes = Buffer.from(text);
      const cut = bytes.indexOf(0xe2) + 1;
      response.write(bytes.subarray(0, cut), () => response.end(bytes.subarray(cut)));
    },
    quarantine(ask, response) {
      const row = { id: 1, device: 'pump-1', stream: 'stream-0001', code: 'no-value' };
      if (ask.get('next') === null) json(response, { items: [{ ...row, seq: 4, index: null }], next: 'more' });
      else json(response, { items: [{ ...row, seq: 3, index: 1 }], next: null });
    },
  });
  expect({ disagreements, unordered }).toStrictEqual({ disagreements: 0, unordered: 0 });
  const at = (metric: string, timeUs: number, value: unknown, position: number) => ({ metric, unit: 'Cel', timeUs, value, position });
  expect(stored.readings).toStrictEqual([
    at('a', 1_000_000, 1, 4),
    at('a', 2_000_000, 'x\u2028y', 2),
    at('b', 1_500_000, true, 1),
    at('a', 2_000_000, 2, 3),
  ]);
  expect(stored.quarantine).toStrictEqual([
    { stream: 'stream-0001', seq: 4, index: null },
    { stream: 'stream-0001', seq: 3, index: 1 },
  ]);
  expect(stored.books).toHaveLength(1);
  expect(stored.recount).toHaveLength(1);
});

test('microseconds come back to the unit, as far as milliseconds in a double tell them apart', async () => {
  const all = Array.from({ length: 2000 }, (_, i) => 4_102_444_799_000_000 + i * 7919 * 977);
  const { stored } = await fetched({
    history: (_, response) =>
      json(response, { ...series('a', ...all.map((us): [number, number] => [us / 1000, 1])), next: null, cursor: '' }),
  });
  expect(stored.readings.map((reading) => reading.timeUs)).toStrictEqual(all);
});

test('a reading that only one of the two orders has, or another value in it, is a disagreement', async () => {
  const history: Answer = (_, response) => json(response, { ...series('a', [1000, 1], [2000, 2]), next: null, cursor: '' });
  const commits =
    (...records: object[]): Answer =>
    (_, response) =>
      response.end(lines(...records));
  const one = { n: 'a', u: 'Cel', t: 1, v: 1 };
  const two = { n: 'a', u: 'Cel', t: 2, v: 2 };
  expect(await fetched({ history, commits: commits(one, two) })).toMatchObject({ disagreements: 0 });
  expect(await fetched({ history, commits: commits(one) })).toMatchObject({ disagreements: 1 });
  expect(await fetched({ history, commits: commits(one, two, two) })).toMatchObject({ disagreements: 1 });
  expect(await fetched({ history, commits: commits(one, { ...two, v: 3 }) })).toMatchObject({ disagreements: 1 });
});

test('where commit order is not kept any more, there is none', async () => {
  const { stored, unordered } = await fetched({
    history: (_, response) => json(response, { ...series('a', [1000, 1]), next: null, cursor: '' }),
    commits: (_, response) => json(response, { code: 'bad-cursor' }, 400),
  });
  expect(unordered).toBe(1);
  expect(stored.readings[0]!.position).toBeNull();
});

test.each<[what: string, answers: Answers, sentence: string]>([
  [
    'a refusal',
    { commits: (_, response) => json(response, { code: 'too-many-exports', title: 'Later' }, 429) },
    'commit order could not be read: HTTP 429',
  ],
  [
    'an answer that breaks off',
    { commits: (_, response) => response.write('{"n":"a"', () => response.destroy()) },
    'broke off in the middle of an answer',
  ],
  ['a key that is not taken', { history: (_, response) => json(response, {}, 401) }, 'was not taken'],
  ['a key that may not read', { quarantine: (_, response) => json(response, {}, 403) }, '--role operator'],
])('%s ends it with a sentence', async (_, answers, sentence) => {
  const failure = await fetched(answers).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Failure);
  expect((failure as Failure).message).toContain(sentence);
});
