// A gateway as a process without TLS, with readings in it, for what is done to its databases as a whole.

import path from 'node:path';
import Database from 'better-sqlite3';
import { type ChildGateway, startChildGateway } from './child-gateway.ts';

/** 2023-11-14T22:13:20Z; readings come a second each. */
export const T0_SECONDS = 1_700_000_000;

export async function startUpkeepGateway(env: Record<string, string> = {}, folder: string | null = null): Promise<ChildGateway> {
  return startChildGateway(['--tls', 'off'], env, [], folder);
}

export async function addDevice(gateway: ChildGateway, id: string): Promise<string> {
  const { token } = await gateway.local('POST', '/v1/devices', { id });
  return token as string;
}

/** A pack of readings `from` to before `to` by POST; rejects unless all are stored. */
export async function post(gateway: ChildGateway, token: string, from: number, to: number): Promise<void> {
  const records = Array.from({ length: to - from }, (_, i) => ({
    n: 'temperature',
    u: 'Cel',
    t: T0_SECONDS + from + i,
    v: 20 + ((from + i) % 50) / 10,
  }));
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/v1/readings`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/senml+json' },
    body: JSON.stringify(records),
  });
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
}

export async function postMany(gateway: ChildGateway, token: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000) await post(gateway, token, from, Math.min(count, from + 1000));
}

/** Of a stopped gateway: turns a byte in the middle of the oldest chunk over. */
export function damageChunk(data: string): number {
  const db = new Database(path.join(data, 'fieldgate.db'));
  try {
    const { id, content } = db.prepare('SELECT id, content FROM chunks ORDER BY id LIMIT 1').get() as { id: number; content: Buffer };
    content[content.length >> 1] = (content[content.length >> 1] as number) ^ 0xff;
    db.prepare('UPDATE chunks SET content = ? WHERE id = ?').run(content, id);
    return id;
  } finally {
    db.close();
  }
}
