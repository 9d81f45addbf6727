// The gateway that a client talks to: its addresses, whom it trusts, and what to tell a person when the connection fails.

import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { ClientFault, unreadableFile } from './client-fault.ts';

const EXIT = { usage: 2, configuration: 78 } as const;

export interface Target {
  /** `wss://host:port`, without a path. */
  readonly wsUrl: string;
  /** `https://host:port`, without a path. */
  readonly httpUrl: string;
  /** Made once for all connections; absent without TLS. */
  readonly secureContext?: SecureContext;
  /** Always told explicitly, so that the environment cannot switch checking off. */
  readonly rejectUnauthorized: boolean;
}

export interface TargetOptions {
  readonly url: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

export function openTarget({ url, ca, insecure = false }: TargetOptions): Target {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed || (parsed.protocol !== 'wss:' && parsed.protocol !== 'ws:')) {
    throw new ClientFault('--url is an address like wss://localhost:8443 (ws:// only where TLS is switched off)', EXIT.usage);
  }
  if (parsed.username || parsed.password || parsed.search) {
    throw new ClientFault('--url takes no credentials and no query; tokens are read from file/stdin', EXIT.usage);
  }
  if (ca !== undefined && insecure) throw new ClientFault('--ca and --insecure exclude each other', EXIT.usage);
  const isTls = parsed.protocol === 'wss:';
  if (!isTls && ca !== undefined) throw new ClientFault('--ca needs a wss:// address', EXIT.usage);
  const wsUrl = `${parsed.protocol}//${parsed.host}`;
  const addresses = { wsUrl, httpUrl: wsUrl.replace(/^ws/, 'http'), rejectUnauthorized: !insecure };
  return isTls ? { ...addresses, secureContext: trust(ca) } : addresses;
}

/** Everything here tells its connections explicitly to check certificates; whoever sets this believes otherwise, and should hear it. */
export function refuseUncheckedTls(env: Readonly<Record<string, string | undefined>>): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return;
  throw new ClientFault(
    'NODE_TLS_REJECT_UNAUTHORIZED=0 would switch all certificate checks off: unset it, and name the CA with --ca FILE',
    EXIT.configuration,
  );
}

function trust(ca: string | undefined): SecureContext {
  // what Node brings, and whom this machine trusts: its owner may have put the gateway's CA there
  if (ca === undefined) return createSecureContext({ ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system')])] });
  let pem: string;
  try {
    pem = readFileSync(ca, 'utf8');
  } catch (error) {
    throw unreadableFile(ca, error);
  }
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new ClientFault(`${ca} holds no certificate in PEM; --ca takes the gateway's ca.crt`, EXIT.usage);
  try {
    return createSecureContext({ ca: pem });
  } catch (error) {
    throw new ClientFault(`${ca} could not be understood as a certificate: ${(error as Error).message}`, EXIT.usage);
  }
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]);

/** Why a connection could not be made, as a sentence that says what to do; `isLasting` when trying again cannot help. */
export function explainFault(target: Target, error: NodeJS.ErrnoException): { readonly sentence: string; readonly isLasting: boolean } {
  const { code = '', message } = error;
  const where = target.wsUrl;
  const lasting = (sentence: string) => ({ sentence, isLasting: true });
  if (UNTRUSTED.has(code)) {
    return lasting(
      `the certificate of ${where} is signed by a CA that is not trusted here; fetch the gateway's own from ${target.httpUrl}/ca.crt, compare its fingerprint, and name it with --ca FILE`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED')
    return lasting(`the certificate of ${where} has expired; renew it on the gateway, or set this machine's clock, which says ${today()}`);
  if (code === 'CERT_NOT_YET_VALID')
    return lasting(`the certificate of ${where} is not valid yet; set this machine's clock, which says ${today()}, or else the gateway's`);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return lasting(`the certificate of ${where} is for another host; use a name that it carries (${namesIn(message)})`);
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return lasting(`${where} does not speak TLS there; is the port right, or is it ws:// instead of wss://?`);
  if (code === 'ENOTFOUND') return lasting(`there is no host of that name: ${where}`);
  if (code === 'ECONNREFUSED') return { sentence: `nothing listens at ${where}; is the gateway running?`, isLasting: false };
  if (code === 'ECONNRESET') {
    return { sentence: `${where} hung up at once; is it the right port, and wss:// rather than ws://?`, isLasting: false };
  }
  return { sentence: `no connection to ${where}: ${code || message}`, isLasting: false };
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function namesIn(message: string): string {
  return /altnames: (.*)$/i.exec(message)?.[1]?.slice(0, 200) ?? 'see its subject';
}
