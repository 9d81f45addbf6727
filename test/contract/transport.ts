// What every Transport must do with its connections and sessions. Run over each implementation by its own test file.

import { expect, test } from 'vitest';
import type { BrokenMessage, Connection, Session, SessionFactory, Transport } from '../../gateway/transports/transport.ts';

/** The other end of one connection. */
export interface Peer {
  send(text: string): void;
  received(): Promise<string>;
  /** Resolves with the close code once the connection is over; 1006 when it was cut. */
  closed(): Promise<number>;
  /** Ends the connection from this side. */
  leave(): void;
}
export interface TransportUnderTest extends AsyncDisposable {
  readonly transport: Transport;
  connect(device: string): Promise<Peer>;
}

/** Sessions that write down what they are told. */
function createSessions() {
  const sessions: { connection: Connection; heard: string[]; broken: BrokenMessage[]; ended: string[] }[] = [];
  const openSession: SessionFactory = (connection): Session => {
    const record = { connection, heard: [] as string[], broken: [] as BrokenMessage[], ended: [] as string[] };
    sessions.push(record);
    return {
      frame: (bytes) => void record.heard.push(Buffer.from(bytes).toString()),
      control: () => undefined,
      broken: (message) => void record.broken.push(message),
      ended: (reason) => void record.ended.push(reason),
    };
  };
  return { sessions, openSession };
}

export function transportContract(open: (openSession: SessionFactory) => Promise<TransportUnderTest>): void {
  test('messages reach the session whole and in order, answers reach the peer', async () => {
    const { sessions, openSession } = createSessions();
    await using under = await open(openSession);
    const peer = await under.connect('pump-1');
    const sent = Array.from({ length: 200 }, (_, i) => `message ${i} ${'x'.repeat(i * 13)}`);
    for (const text of sent) peer.send(text);
    await expect.poll(() => sessions[0]?.heard).toStrictEqual(sent);
    expect(sessions[0].connection.peer.device).toBe('pump-1');
    for (const text of ['short', 'ünï', 'y'.repeat(5000), 'z'.repeat(125), 'z'.repeat(126), '😀'.repeat(40)]) {
      sessions[0].connection.send(text);
      expect(await peer.received()).toBe(text);
    }
  });

  test('a session hears of its end once, and nothing after it; sending then does nothing', async () => {
    const { sessions, openSession } = createSessions();
    await using under = await open(openSession);
    const peer = await under.connect('pump-1');
    peer.leave();
    await expect.poll(() => sessions[0].ended).toStrictEqual(['closed']);
    const { connection } = sessions[0];
    connection.send('late');
    connection.pause();
    connection.resume();
    connection.close(1000, '');
    connection.terminate();
    expect(sessions[0].ended).toHaveLength(1);
  });

  test('a paused connection is read no further and goes on where it was', async () => {
    const { sessions, openSession } = createSessions();
    await using under = await open(openSession);
    const peer = await under.connect('pump-1');
    sessions[0].connection.pause();
    const sent = Array.from({ length: 2000 }, (_, i) => `${i} ${'x'.repeat(1000)}`);
    for (const text of sent) peer.send(text);
    const other = await under.connect('pump-2');
    other.send('quick');
    await expect.poll(() => sessions[1]?.heard).toStrictEqual(['quick']);
    expect(sessions[0].heard.length).toBeLessThan(sent.length);
    sessions[0].connection.resume();
    await expect.poll(() => sessions[0].heard.length, { timeout: 20_000 }).toBe(sent.length);
    expect(sessions[0].heard).toStrictEqual(sent);
  });

  test('close gives the peer its code, terminate gives it none', async () => {
    const { sessions, openSession } = createSessions();
    await using under = await open(openSession);
    const [closed, cut] = [await under.connect('pump-1'), await under.connect('pump-2')];
    sessions[0].connection.close(4409, 'superseded');
    sessions[1].connection.terminate();
    expect(await closed.closed()).toBe(4409);
    expect(await cut.closed()).toBe(1006);
    await expect.poll(() => sessions.map((session) => session.ended.length)).toStrictEqual([1, 1]);
  });

  test('closing the transport says 1012 to all, waits for them, and is idempotent', async () => {
    const { sessions, openSession } = createSessions();
    await using under = await open(openSession);
    const peers = await Promise.all(Array.from({ length: 5 }, (_, i) => under.connect(`pump-${i}`)));
    const [first, second] = [under.transport.close(), under.transport.close()];
    expect(await Promise.all(peers.map((peer) => peer.closed()))).toStrictEqual([1012, 1012, 1012, 1012, 1012]);
    await Promise.all([first, second]);
    expect(sessions.map((session) => session.ended)).toStrictEqual(Array(5).fill(['shutdown']));
  });
}
