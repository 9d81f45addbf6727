// A real gateway on a temporary data directory, with the credentials that the simulator needs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, DEFAULTS } from '../../gateway/config.ts';
import { startGateway } from '../../gateway/gateway.ts';
import type { IssuedEnrolment, IssuedKey } from '../../gateway/protocol/rest.ts';
import { createRecordedObserve } from './recorded-observe.ts';

export interface SimGateway extends AsyncDisposable {
  /** `wss://localhost:PORT`, or ws:// without TLS. */
  readonly wsUrl: string;
  readonly data: string;
  readonly enrolKey: string;
  readonly apiKey: string;
  /** Of role operator, which may read quarantine. */
  readonly operatorKey: string;
  /** Makes a device; its token. */
  addDevice(id: string): Promise<string>;
  /** A request with a local admin's rights. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  /** Stops it in an orderly way and starts it again on the same port and data. */
  restart(whileDown?: () => void): Promise<void>;
}

export async function startSimGateway(more: Partial<Config> = {}, enrolments = 100): Promise<SimGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-simgw-'));
  const http = { ...DEFAULTS.http, host: '127.0.0.1', port: 0 };
  const config: Config = { ...DEFAULTS, http, tls: 'off', ...more, data: folder };
  let gateway = await startGateway(config, createRecordedObserve());
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const response = await gateway.fetchLocal(
      new Request(`http://localhost${path}`, { method, headers, body: body && JSON.stringify(body) }),
    );
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const enrolment = await call<IssuedEnrolment>('POST', '/v1/enrolments', { max: enrolments, expiresSeconds: 3600 });
  const key = await call<IssuedKey>('POST', '/v1/keys', { name: 'sim', role: 'viewer' });
  const operator = await call<IssuedKey>('POST', '/v1/keys', { name: 'verify', role: 'operator' });
  return {
    wsUrl: gateway.url.replace(/^http/, 'ws'),
    data: folder,
    enrolKey: enrolment.key,
    apiKey: key.key,
    operatorKey: operator.key,
    addDevice: async (id) => (await call<{ token: string }>('POST', '/v1/devices', { id })).token,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    async restart(whileDown) {
      await gateway.stop();
      whileDown?.();
      const port = Number(new URL(gateway.url).port);
      gateway = await startGateway({ ...config, http: { ...http, port } }, createRecordedObserve());
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
