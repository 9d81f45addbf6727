// Which pages may use a browser's cookie here: those of our own address, and those of origins that the configuration names.

export interface OriginEvidence {
  readonly origin: readonly string[];
  readonly host: readonly string[];
  /** Sec-Fetch-Site, from browsers that send it. */
  readonly site: string | undefined;
  readonly encrypted: boolean;
}
export interface Origins {
  /** False without exactly one Origin. */
  allow(evidence: OriginEvidence): boolean;
}

export interface OriginsOptions {
  readonly publicUrl: string;
  /** `http.origins`, each as browsers send it. */
  readonly listed: readonly string[];
  /** Host names and addresses of the certificate in use, which may be another after a renewal; `*.` for one label. */
  readonly names: () => Iterable<string>;
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

export function createOrigins({ publicUrl, listed, names }: OriginsOptions): Origins {
  const configured = new Set(publicUrl === '' ? listed : [...listed, new URL(publicUrl).origin]);

  /** A name that is not ours, although it leads here, is what DNS rebinding looks like. */
  function isOurs(hostname: string): boolean {
    if (LOOPBACK_NAMES.includes(hostname)) return true;
    const bare = hostname.replace(/^\[(.*)\]$/, '$1');
    for (const name of names()) {
      const own = name.toLowerCase();
      if (own === bare || (own.startsWith('*.') && bare.slice(bare.indexOf('.')) === own.slice(1))) return true;
    }
    return false;
  }
  return {
    allow({ origin: sent, host: hosts, site, encrypted }) {
      const [origin, ...others] = sent;
      if (origin === undefined || others.length > 0) return false;
      if (configured.has(origin)) return true;
      const [host = ''] = hosts;
      if (hosts.length !== 1 || origin !== `${encrypted ? 'https' : 'http'}://${host}`) return false;
      if (site !== undefined && site !== 'same-origin') return false;
      const hostname = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/.exec(host)?.[1];
      return hostname !== undefined && isOurs(hostname);
    },
  };
}

export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address) || address === '::1';
}
