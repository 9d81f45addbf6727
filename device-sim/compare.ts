// Holds what was acknowledged against what the gateway says it has. Any difference is a broken promise, of either side.

import type { AccountingRow, List } from '../gateway/protocol/rest.ts';
import { type ApiClient, problemText } from './api-client.ts';
import { Failure } from './failure.ts';
import type { StreamBook } from './stream-books.ts';

export interface Difference {
  readonly device: string;
  readonly stream: string;
  readonly what: string;
  readonly here: number;
  readonly gateway: number;
}

export interface AccountingAsk {
  /** Left out: all of them. */
  readonly device?: string;
  /** Counted again from the rows, instead of the running totals. */
  readonly verify?: boolean;
}

/** The gateway's books. */
export async function fetchAccounting(api: ApiClient, key: string, ask: AccountingAsk = {}): Promise<AccountingRow[]> {
  const rows: AccountingRow[] = [];
  for await (const page of fetchPages<List<AccountingRow>>(api, key, { path: '/v1/accounting', what: "the gateway's books", ...ask }))
    rows.push(...page.items);
  return rows;
}

export interface PagesAsk extends AccountingAsk {
  readonly path: string;
  /** For the sentence when it fails. */
  readonly what: string;
  readonly limit?: number;
}

/** The pages of a list, or of readings. */
export async function* fetchPages<Page extends { readonly next: string | null }>(
  api: ApiClient,
  key: string,
  { path, what, device, verify, limit }: PagesAsk,
): AsyncGenerator<Page> {
  let next: string | null = null;
  do {
    const query = new URLSearchParams();
    if (device !== undefined) query.set('device', device);
    if (verify !== undefined) query.set('verify', String(verify));
    if (limit !== undefined) query.set('limit', String(limit));
    if (next !== null) query.set('next', next);
    const answer = await api.call('GET', `${path}?${query.toString()}`, { credential: key });
    if (answer.status === 401)
      throw new Failure('the API key in --key-file was not taken; make one with: fieldgate key add sim --role viewer');
    if (answer.status === 403) {
      throw new Failure(`the API key in --key-file may not read ${what}; make one with: fieldgate key add sim --role operator`);
    }
    if (answer.status !== 200) throw new Failure(`${what} could not be read: ${problemText(answer)}`);
    const page = answer.body as Page;
    yield page;
    next = page.next ?? null;
  } while (next !== null);
}

export function compareBooks(books: readonly StreamBook[], rows: readonly AccountingRow[]): Difference[] {
  const differences: Difference[] = [];
  const byStream = new Map(rows.map((row) => [`${row.device} ${row.stream}`, row]));
  for (const book of books) {
    const row = byStream.get(`${book.device} ${book.stream}`);
    const { device, stream } = book;
    const differ = (what: string, here: number, gateway: number) => differences.push({ device, stream, what, here, gateway });
    if (!row) {
      if (book.acked > 0) differ('acked', book.acked, 0);
      continue;
    }
    if (row.unexplained !== 0) differ('unexplained', 0, row.unexplained);
    // Of a stream that was left, the last acks may have been lost on the way: less than what was acked here would still be wrong.
    const pairs = [
      ['acked', book.acked, row.acked],
      ['settled', book.acked, row.settled],
      ['stored', book.stored, row.stored],
      ['readings', book.readings, row.readings],
      ['quarantined', book.quarantined, row.quarantined],
      ['refused', book.refused, row.refused],
      ['gaps', book.gaps, row.gaps],
    ] as const;
    for (const [what, here, gateway] of pairs) {
      if (book.isOpen ? here !== gateway : here > gateway) differ(what, here, gateway);
    }
  }
  return differences;
}
