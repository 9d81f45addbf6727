// The typed client of /v1: `api.get('/v1/devices/:id', { params, query })`. A refusal rejects with ApiError, which carries the problem.
import type * as rest from '../../gateway/protocol/rest.ts';
import { text } from './i18n/en.ts';

interface Routes {
  'GET /v1/info': { answer: rest.Info };
  'GET /v1/session': { answer: rest.SessionView };
  'POST /v1/session': { body: rest.SignIn; answer: rest.SessionView };
  'DELETE /v1/session': { answer: void };
  'GET /v1/stats': { answer: rest.StatsView };
  'GET /v1/devices': { answer: rest.List<rest.DeviceView> };
  'POST /v1/devices': { body: rest.DeviceCreate; answer: rest.DeviceCreated };
  'GET /v1/devices/:id': { answer: rest.DeviceView };
  'PATCH /v1/devices/:id': { body: rest.DevicePatch; answer: rest.DeviceView };
  'DELETE /v1/devices/:id': { answer: void };
  'POST /v1/devices/:id/tokens': { body: { overlapSeconds: number }; answer: rest.IssuedToken };
  'DELETE /v1/devices/:id/tokens/:tokenId': { answer: void };
  'GET /v1/devices/:id/attempts': { answer: rest.List<rest.AttemptView> };
  'GET /v1/demo': { answer: rest.DemoView };
  'POST /v1/demo': { answer: rest.DemoView };
  'DELETE /v1/demo': { answer: void };
  'GET /v1/pairing': { answer: rest.PairingView };
  'POST /v1/pairing': { answer: rest.PairingView };
  'DELETE /v1/pairing': { answer: void };
  'POST /v1/pairing/:id/approve': { answer: rest.PairingRequestView };
  'DELETE /v1/pairing/:id': { answer: void };
  'GET /v1/devices/:id/series': { answer: rest.List<rest.SeriesView> };
  'GET /v1/series': { answer: rest.List<rest.SeriesFound> };
  'GET /v1/readings': { answer: rest.ReadingsAnswer | rest.BucketsAnswer };
  'GET /v1/accounting': { answer: rest.List<rest.AccountingRow> };
  'GET /v1/events': { answer: rest.List<rest.EventView> };
  'GET /v1/quarantine': { answer: rest.List<rest.QuarantineView> };
  'DELETE /v1/quarantine': { answer: rest.QuarantineDiscarded };
  'GET /v1/quarantine/size': { answer: rest.QuarantineSizeView };
  'POST /v1/quarantine/:id/try': { body: { raw?: string }; answer: rest.QuarantineTried };
  'POST /v1/quarantine/:id/replay': { body: { raw?: string }; answer: rest.QuarantineReplayed };
  'DELETE /v1/quarantine/:id': { answer: void };
  'GET /v1/gaps': { answer: rest.List<rest.GapView> };
  'GET /v1/devices/:id/frames': { answer: rest.DeviceFramesView };
  'GET /v1/users': { answer: rest.List<rest.UserView> };
  'POST /v1/users': { body: rest.UserCreate; answer: rest.UserView };
  'PATCH /v1/users/:name': { body: rest.UserPatch; answer: rest.UserView };
  'DELETE /v1/users/:name': { answer: void };
  'GET /v1/keys': { answer: rest.List<rest.KeyView> };
  'POST /v1/keys': { body: rest.KeyCreate; answer: rest.IssuedKey };
  'DELETE /v1/keys/:id': { answer: void };
  'GET /v1/enrolments': { answer: rest.List<rest.EnrolmentView> };
  'POST /v1/enrolments': { body: rest.EnrolmentCreate; answer: rest.IssuedEnrolment };
  'DELETE /v1/enrolments/:id': { answer: void };
  'GET /v1/audit': { answer: rest.List<rest.AuditView> };
  'GET /v1/settings': { answer: rest.SettingsView };
  'PATCH /v1/settings': { body: rest.SettingsPatch; answer: rest.SettingsView };
  'POST /v1/settings/try': { body: rest.SettingsPatch; answer: { readonly retention: readonly rest.RetentionForecast[] } };
  'GET /v1/backups': { answer: rest.List<rest.BackupView> };
  'GET /v1/serial': { answer: rest.List<rest.SerialPortView> };
  'POST /v1/serial': { body: rest.SerialPortBody; answer: rest.SerialPortView };
  'PUT /v1/serial/:id': { body: rest.SerialPortBody; answer: rest.SerialPortView };
  'DELETE /v1/serial/:id': { answer: void };
  'GET /v1/serial/attached': { answer: { readonly items: readonly rest.AttachedPortView[] } };
  'POST /v1/serial/try': { body: rest.SerialTry; answer: rest.SerialTried };
}
type Path<Method extends string> = keyof Routes extends infer Key ? (Key extends `${Method} ${infer P}` ? P : never) : never;
type Answer<Method extends string, P extends string> = `${Method} ${P}` extends keyof Routes ? Routes[`${Method} ${P}`]['answer'] : never;
type Body<Key> = Key extends keyof Routes ? (Routes[Key] extends { body: infer B } ? B : undefined) : never;

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;
export interface Ask {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly signal?: AbortSignal;
}

/** A refusal by the gateway; status 0 when it could not be reached at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: rest.Problem['errors'];
  constructor(status: number, code: string, message: string, fields?: rest.Problem['errors']) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

let onUnauthorized: () => void = () => {};
/** Called when a request that needs a session is answered 401. */
export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

async function send(method: string, path: string, ask: Ask, body?: unknown): Promise<unknown> {
  const address = path.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(ask.params?.[name] ?? ''));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(ask.query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  let response: Response;
  try {
    response = await fetch(query.size === 0 ? address : `${address}?${query}`, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? { accept: 'application/json' } : { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(ask.signal === undefined ? {} : { signal: ask.signal }),
    });
  } catch (error) {
    if (ask.signal?.aborted === true) throw error;
    throw new ApiError(0, 'unreachable', text.problem.unreachable);
  }
  if (response.status === 204) return undefined;
  const answer: unknown = await response.json().catch((error: unknown) => {
    // given up in the middle of the answer
    if (ask.signal?.aborted === true) throw error;
  });
  if (response.ok) return answer;
  const problem = (answer ?? {}) as Partial<rest.Problem>;
  if (response.status === 401 && path !== '/v1/session') onUnauthorized();
  const message = problem.detail ?? problem.title ?? text.problem.generic(response.status);
  throw new ApiError(response.status, problem.code ?? 'unknown', message, problem.errors);
}

export const api = {
  get: <P extends Path<'GET'>>(path: P, ask: Ask = {}) => send('GET', path, ask) as Promise<Answer<'GET', P>>,
  post: <P extends Path<'POST'>>(path: P, body: Body<`POST ${P}`>, ask: Ask = {}) =>
    send('POST', path, ask, body) as Promise<Answer<'POST', P>>,
  patch: <P extends Path<'PATCH'>>(path: P, body: Body<`PATCH ${P}`>, ask: Ask = {}) =>
    send('PATCH', path, ask, body) as Promise<Answer<'PATCH', P>>,
  put: <P extends Path<'PUT'>>(path: P, body: Body<`PUT ${P}`>, ask: Ask = {}) => send('PUT', path, ask, body) as Promise<Answer<'PUT', P>>,
  delete: <P extends Path<'DELETE'>>(path: P, ask: Ask = {}) => send('DELETE', path, ask) as Promise<Answer<'DELETE', P>>,
};

/** Raw readings of a query, by series whatever their number. */
export async function getReadings(query: Query, signal?: AbortSignal) {
  const answer = (await api.get('/v1/readings', { query, ...(signal ? { signal } : {}) })) as rest.ReadingsAnswer;
  const series = 'series' in answer ? answer.series : [answer];
  return { series, next: answer.next, cursor: answer.cursor };
}

/** The same folded into `points` buckets. */
export async function getBuckets(query: Query & { readonly points: number }, signal?: AbortSignal) {
  const answer = (await api.get('/v1/readings', { query, ...(signal ? { signal } : {}) })) as rest.BucketsAnswer;
  const series = 'series' in answer ? answer.series : [answer];
  return { series, cursor: answer.cursor };
}
