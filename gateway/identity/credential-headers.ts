// Where credentials are in a request's headers, read strictly: what is not exactly one of the known forms is no credential.

/** All values of one header, each as it was sent. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] as string);
  }
  return values;
}

/** The prefix makes browsers keep the cookie to this host and to https; plain HTTP, on loopback, cannot have it. */
export function cookieName(encrypted: boolean): string {
  return encrypted ? '__Host-fieldgate' : 'fieldgate';
}

export function cookiesNamed(rawHeaders: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (const header of valuesOf(rawHeaders, 'cookie')) {
    for (const pair of header.split(';')) {
      const at = pair.indexOf('=');
      if (at > 0 && pair.slice(0, at).trim() === name) found.push(pair.slice(at + 1).trim());
    }
  }
  return found;
}

/** An unknown scheme or a malformed value is a wrong credential: an empty secret, which nobody has. */
export function parseAuthorization(value: string, takesBasic: boolean): { readonly secret: string; readonly device: string | null } {
  const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value);
  if (bearer !== null) return { secret: bearer[1] as string, device: null };
  const basic = takesBasic ? /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) : null;
  const [, device = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic?.[1] ?? '', 'base64').toString('utf8')) ?? [];
  return { secret, device };
}
