// Who is signed in, and how that begins and ends. The page shown follows `phase`; addresses stay as they are, so signing in goes on there,
// but for /setup and /signin, which are of no use to somebody who is in: from there it goes on at the fleet.
import { signal } from '@preact/signals';
import type { Info, Role, SessionView, SignIn } from '../../gateway/protocol/rest.ts';
import { ApiError, api, whenUnauthorized } from './api.ts';
import { setServerTime } from './clock.ts';
import { text } from './i18n/en.ts';

export type Phase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'setup' }
  | { readonly kind: 'sign-in'; readonly notice: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'in'; readonly session: SessionView };

export const phase = signal<Phase>({ kind: 'starting' });
export const info = signal<Info | null>(null);

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };
export function may(role: Role): boolean {
  return phase.value.kind === 'in' && RANK[phase.value.session.role] >= RANK[role];
}

/** The addresses of pages for people who are not signed in. */
const isAt = (page: '/setup' | '/signin' | '/fleet'): boolean => location.pathname === page;

function enter(session: SessionView): void {
  if (isAt('/setup') || isAt('/signin')) history.replaceState(null, '', '/');
  if (isAt('/fleet')) history.replaceState(null, '', `/${location.search}`);
  phase.value = { kind: 'in', session };
}

/** What a stranger is shown: the set-up page where it was asked for or nobody could sign in anyway, else the sign-in page. */
function strangerPhase({ setupOpen, isNew }: Info, notice: string): Phase {
  if (setupOpen && (isAt('/setup') || (isNew && !isAt('/signin')))) return { kind: 'setup' };
  const isClosed = !setupOpen && (isNew || isAt('/setup'));
  return { kind: 'sign-in', notice: notice === '' && isClosed ? text.setup.closed : notice };
}

/** Takes `#key=…` out of the address at once: a kiosk's or the demo's link must not stay in history or on screen. */
function takeKeyFromFragment(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null) return;
  history.replaceState(history.state, '', location.pathname + location.search);
  linkKey = key;
}
/** Of the link that was opened, until the gateway has taken or refused it: it may be away at the moment. */
let linkKey: string | null = null;

export async function startSession(): Promise<void> {
  takeKeyFromFragment();
  whenUnauthorized(endSession);
  let notice = '';
  try {
    info.value = await api.get('/v1/info');
    setServerTime(info.value.timeMs);
    if (linkKey !== null) {
      try {
        const session = await api.post('/v1/session', { key: linkKey });
        linkKey = null;
        return enter(session);
      } catch (error) {
        // a gateway that starts or stops may take it in a moment
        if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) throw error;
        linkKey = null;
        notice = text.signIn.linkFailed;
      }
    }
    enter(await api.get('/v1/session'));
  } catch (error) {
    if (error instanceof ApiError && error.status !== 0 && error.status < 500) {
      phase.value = info.value === null ? { kind: 'sign-in', notice } : strangerPhase(info.value, notice);
    } else phase.value = { kind: 'unreachable' };
  }
}

/** Resolves when signed in; rejects with the ApiError that says why not. */
export async function signIn(credential: SignIn): Promise<void> {
  enter(await api.post('/v1/session', credential));
  info.value = await api.get('/v1/info').catch(() => info.value);
}

export async function signOut(): Promise<void> {
  await api.delete('/v1/session').catch(() => undefined);
  phase.value = { kind: 'sign-in', notice: text.signIn.signedOut };
}

/** Asks again who one is: a role may have changed, and the live socket may have no seat. */
export async function refreshSession(): Promise<{ readonly seat: SessionView['live']; readonly isChanged: boolean }> {
  const session = await api.get('/v1/session');
  const before = phase.value.kind === 'in' ? phase.value.session : null;
  const isChanged = before !== null && (before.role !== session.role || before.user !== session.user);
  if (isChanged) phase.value = { kind: 'in', session };
  return { seat: session.live, isChanged };
}

/** The gateway says that the session is over. */
export function endSession(): void {
  if (phase.value.kind === 'in') phase.value = { kind: 'sign-in', notice: text.signIn.ended };
}
