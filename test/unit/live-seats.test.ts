// Places on the live feed, without the feed: who counts, who is told, and that being there is activity.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLiveSeats, type LiveSeat } from '../../gateway/api/live-seats.ts';
import type { CredentialEnd, Identity, Principal } from '../../gateway/identity/identity.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function openSeats() {
  const touched: string[] = [];
  let end: (end: CredentialEnd) => void = () => undefined;
  const identity = {
    onEnd(listener: typeof end) {
      end = listener;
      return () => undefined;
    },
    sessions: { touch: (id: string) => void touched.push(id) },
  } as unknown as Identity;
  const seats = createLiveSeats({ identity, limits: { subscribers: 4, socketsPerSession: 2 } });
  const sit = (principal: Principal) => {
    const heard: string[] = [];
    const seat: LiveSeat = {
      principal,
      tell: (text) => void heard.push(text),
      close: (code, reason) => void heard.push(`${code} ${reason}`),
      terminate: () => void heard.push('cut'),
    };
    return { heard, leave: seats.take(seat) };
  };
  return { seats, sit, touched, end: (what: CredentialEnd) => end(what) };
}
const user = (name: string, role: 'viewer' | 'operator' | 'admin', sessionId: string): Principal => ({
  kind: 'user',
  name,
  role,
  sessionId,
});
const key = (role: 'viewer' | 'operator', sessionId: string | null = null): Principal => ({
  kind: 'key',
  keyId: 'k',
  name: 'wall',
  role,
  sessionId,
});

test('an open connection is activity of its session, often enough for the shortest idle time, until it is left', () => {
  const { sit, touched } = openSeats();
  const { leave } = sit(user('ada', 'viewer', 's1'));
  sit(key('viewer'));
  vi.advanceTimersByTime(59_000);
  expect(touched).toEqual(['s1', 's1']);
  leave();
  vi.advanceTimersByTime(120_000);
  expect(touched).toHaveLength(2);
});

test('the places of one session are its own; a key without a session has the gateway’s', () => {
  const { seats, sit } = openSeats();
  sit(user('ada', 'viewer', 's1'));
  sit(user('ada', 'viewer', 's1'));
  expect(seats.outlook(user('ada', 'viewer', 's1'))).toBe('too-many-sockets');
  expect(seats.outlook(user('ada', 'viewer', 's2'))).toBe('ready');
  sit(key('viewer'));
  const { leave } = sit(key('viewer'));
  expect(seats.outlook(key('viewer'))).toBe('full');
  leave();
  expect(seats.outlook(key('viewer'))).toBe('ready');
});

test('what is for operators reaches operators and admins alone', () => {
  const { seats, sit } = openSeats();
  const [viewer, operator, admin, kiosk] = [
    user('v', 'viewer', '1'),
    user('o', 'operator', '2'),
    user('a', 'admin', '3'),
    key('viewer', '4'),
  ].map(sit);
  seats.tell('operator', 'news');
  expect([viewer, operator, admin, kiosk].map((one) => one?.heard)).toEqual([[], ['news'], ['news'], []]);
});

test('each end reaches whom it concerns, with 4401 or, for another role, 4403', () => {
  const { sit, end } = openSeats();
  const [mine, same, byKey, kiosk] = [user('ada', 'viewer', 's1'), user('ada', 'viewer', 's2'), key('viewer'), key('viewer', 's3')].map(
    sit,
  );
  const heard = () => [mine, same, byKey, kiosk].map((one) => one?.heard.splice(0));
  end({ what: 'session', sessionId: 's1', reason: 'signed-out' });
  expect(heard()).toEqual([['4401 signed-out'], [], [], []]);
  end({ what: 'role', user: 'ada' });
  expect(heard()).toEqual([['4403 role changed'], ['4403 role changed'], [], []]);
  end({ what: 'key', keyId: 'k', reason: 'revoked' });
  expect(heard()).toEqual([[], [], ['4401 revoked'], ['4401 revoked']]);
  end({ what: 'token', device: 'd', tokenId: 't', reason: 'revoked' });
  expect(heard()).toEqual([[], [], [], []]);
});

test('at the end everybody is told when to come back, and who does not go is cut', async () => {
  vi.useRealTimers();
  const { seats, sit } = openSeats();
  const { heard } = sit(key('viewer'));
  await Promise.all([seats.close(), seats.close()]);
  expect(heard).toEqual([expect.stringMatching(/^1012 retry-after-ms=\d+$/), 'cut']);
});
