// A device whose refused data a test looks at, replays and discards, as an operator does.

import { expect } from 'vitest';
import type { AccountingRow, QuarantineView } from '../../gateway/protocol/rest.ts';
import type { TestAnswer, TestGateway } from './gateway.ts';

let devices = 0;

export interface QuarantinedDevice {
  readonly gateway: TestGateway;
  readonly id: string;
  post(body: unknown, headers?: Record<string, string>): Promise<TestAnswer>;
  /** As operator. */
  ask(method: string, target: string, body?: unknown): Promise<TestAnswer>;
  rows(more?: string): Promise<QuarantineView[]>;
  replay(row: number, raw?: string): Promise<unknown[]>;
  readings(metric: string): Promise<unknown[]>;
  books(verify: boolean): Promise<AccountingRow[]>;
}
export async function openQuarantinedDevice(gateway: TestGateway): Promise<QuarantinedDevice> {
  const id = `quarantined-${++devices}`;
  const token = await gateway.addDevice(id);
  const ask: QuarantinedDevice['ask'] = async (method, target, body) =>
    gateway.request(target, {
      method,
      headers: { Authorization: `Bearer ${await gateway.key('operator')}` },
      ...(body !== undefined && { body: body as object }),
    });
  return {
    gateway,
    id,
    ask,
    post: (body, headers) =>
      gateway.request('/v1/readings', {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/senml+json', ...headers },
        body: body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body),
      }),
    rows: async (more = '') => (await ask('GET', `/v1/quarantine?device=${id}${more}`)).json().items,
    async replay(row, raw) {
      const answer = await ask('POST', `/v1/quarantine/${row}/replay`, raw === undefined ? undefined : { raw });
      const body = answer.json();
      return [answer.status, body.code ?? (body.duplicate ? 'duplicate' : body.stored)];
    },
    readings: async (metric) => (await ask('GET', `/v1/readings?device=${id}&metric=${metric}&from=0`)).json().readings,
    books: async (verify) => (await ask('GET', `/v1/accounting?device=${id}&verify=${verify}`)).json().items,
  };
}
/** The books are balanced, and the same when they are counted from the rows. */
export async function balanced({ books }: QuarantinedDevice): Promise<AccountingRow[]> {
  const rows = await books(false);
  for (const { settled, stored, quarantined, gaps, unexplained } of rows) {
    expect([unexplained, stored + quarantined + gaps]).toEqual([0, settled]);
  }
  expect(await books(true)).toEqual(rows);
  return rows;
}
