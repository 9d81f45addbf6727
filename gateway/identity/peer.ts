// Who is at the other end of a connection: the peer, or behind a proxy that the configuration trusts, the proxy's client.

import { BlockList, isIP } from 'node:net';
import { valuesOf } from './credential-headers.ts';

export interface Peer {
  readonly address: string;
  /** TLS from the client to us, or to a trusted proxy that says so. */
  readonly encrypted: boolean;
}
export interface PeerRequest {
  readonly rawHeaders: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
}

/** `trusted` are addresses and networks (`10.0.0.0/8`). Headers of anybody else are not looked at. */
export function createPeerReader(trusted: readonly string[]): (request: PeerRequest) => Peer {
  const proxies = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (address: string): boolean => isIP(address) !== 0 && proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

  return ({ rawHeaders, socket }) => {
    const address = unmapped(socket.remoteAddress ?? '');
    const encrypted = socket.encrypted === true;
    if (trusted.length === 0 || !isTrusted(address)) return { address, encrypted };
    const hops = valuesOf(rawHeaders, 'x-forwarded-for')
      .join(',')
      .split(',')
      .map((hop) => unmapped(hop.trim()));
    // from the right: each proxy adds the peer that it saw; the first that is not a proxy of ours is the client
    const client = hops.findLast((hop) => !isTrusted(hop));
    const protocol = valuesOf(rawHeaders, 'x-forwarded-proto').at(-1)?.split(',').at(-1)?.trim();
    return { address: client !== undefined && isIP(client) !== 0 ? client : address, encrypted: encrypted || protocol === 'https' };
  };
}

function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
