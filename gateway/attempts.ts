// Who was sent away at the devices' doors lately, and why: for the page on which somebody connects a device that does not come through.

import type { AttemptView } from './protocol/rest.ts';
import type { Credentials } from './identity/identity.ts';
import { presentedCredential } from './identity/presented-credential.ts';
import { PROBLEMS, type ProblemCode } from './protocol/problems.ts';

/** A request, or an upgrade, that was refused. */
export interface RefusedRequest {
  readonly code: ProblemCode;
  readonly address: string;
  readonly method: string;
  /** As it was asked for. */
  readonly url: string;
  readonly rawHeaders: readonly string[];
}
/** A connection that ended before anything was asked. */
export interface FailedHandshake {
  readonly error: string;
  readonly address: string;
}
export interface Attempts {
  refused(request: RefusedRequest): void;
  handshakeFailed(handshake: FailedHandshake): void;
  /**
   * Newest first: those of this device, and those that do not say whose they are. Handshakes that failed from the address that asks are left
   * out: a browser that was told to go on without trust breaks some off itself.
   */
  of(device: string, askedFrom: string): readonly AttemptView[];
}

const KEPT = 64;
const SHOWN = 10;
const DOORS = new Set(['/v1/device', '/v1/readings']);

export function createAttempts(credentials: Pick<Credentials, 'bearer'>, nowMs: () => number): Attempts {
  const kept: (AttemptView & { readonly isHandshake: boolean })[] = [];
  function keep(attempt: Omit<AttemptView, 'atMs'>, isHandshake = false): void {
    if (kept.length >= KEPT) kept.shift();
    kept.push({ ...attempt, isHandshake, atMs: nowMs() });
  }

  /** By the token when it is known, by the name beside it when it is not. */
  function whoAsked({ method, url, address, rawHeaders }: RefusedRequest): { device: string | null; hasCredential: boolean } {
    const path = url.split('?', 1)[0] as string;
    const found = presentedCredential({ method, path, url, rawHeaders, address, encrypted: true, viaLocalSocket: false }, false);
    if ('fault' in found || found.kind !== 'bearer') return { device: null, hasCredential: false };
    const bearer = credentials.bearer(found.secret);
    return { device: bearer?.kind === 'device' ? bearer.principal.device : found.device, hasCredential: true };
  }

  return {
    refused(request) {
      const { code, address, method, url } = request;
      const path = url.split('?', 1)[0] as string;
      const isLost = method === 'UPGRADE' && code === 'not-found';
      if (!DOORS.has(path) && !isLost) return;
      const { device, hasCredential } = whoAsked(request);
      const message = isLost ? `It asked for ${shown(path)}; devices connect to /v1/device.` : sentence(code, hasCredential);
      keep({ address, code, message, device });
    },
    handshakeFailed({ error, address }) {
      const [code, message] = tlsFault(error);
      keep({ address: address.replace(/^::ffff:/, ''), code, message, device: null }, true);
    },
    of: (asked, askedFrom) =>
      kept
        .filter(
          (attempt) => attempt.device === asked || (attempt.device === null && !(attempt.isHandshake && attempt.address === askedFrom)),
        )
        .slice(-SHOWN)
        .map(({ atMs, address, code, message, device }) => ({ atMs, address, code, message, device }))
        .reverse(),
  };
}

/** What is long may be a token that was put into the address. */
const shown = (path: string): string => path.replaceAll(/[^/]{25,}/g, '…').slice(0, 64);

function sentence(code: ProblemCode, hasCredential: boolean): string {
  if (code !== 'unauthorized') return PROBLEMS[code].title;
  return hasCredential
    ? 'The token is not known here: mistyped, ended, or of another gateway.'
    : 'No token came with it: send it as «Authorization: Bearer …».';
}

/** By what OpenSSL calls it. */
function tlsFault(error: string): [code: string, message: string] {
  if (error.includes('HTTP_REQUEST')) return ['tls-plain', 'It spoke plain HTTP: use https:// or wss://.'];
  if (/ALERT_(UNKNOWN_CA|CERTIFICATE_UNKNOWN|BAD_CERTIFICATE|CERTIFICATE_EXPIRED)/.test(error))
    return ['tls-untrusted', 'It does not trust the gateway’s certificate: give it the certificate authority, and check its clock.'];
  if (/VERSION|PROTOCOL|NO_SHARED_CIPHER/.test(error)) return ['tls-version', 'Its TLS is too old: version 1.2 is needed.'];
  return ['tls-error', 'The TLS handshake broke off; often its clock is wrong, or it does not trust the certificate.'];
}
