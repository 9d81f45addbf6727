// The console's session cookie: `__Host-` and Secure where the browser speaks https, plain on loopback without TLS.

import { cookieName } from '../identity/credential-headers.ts';

/** The longest that browsers keep a cookie; a kiosk lives as long as its key. */
export const KIOSK_SECONDS = 400 * 86_400;

export function sessionCookie(secret: string, encrypted: boolean, maxAgeSeconds: number): string {
  return `${cookieName(encrypted)}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${encrypted ? '; Secure' : ''}`;
}

/** Takes the cookie away. */
export function clearedCookie(encrypted: boolean): string {
  return sessionCookie('', encrypted, 0);
}
