// One device of a model-based run: it speaks the protocol by hand, and beside it stands the model of what the gateway must have made of
// everything. Where a connection was cut with frames under way, the model does not know how many arrived, until the gateway says so.

import { request } from 'node:https';
import type { ChildGateway } from './child-gateway.ts';
import type { TestSocket } from './socket.ts';

export const FRAME_KINDS = ['good', 'mixed', 'bad', 'no-list'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

/** A stream as the model has it. */
export interface ModelBook {
  acked: number;
  stored: number;
  quarantined: number;
  gaps: number;
  readings: number;
  refused: number;
}

interface Frame {
  readonly seq: number;
  readonly kind: FrameKind;
  readonly values: readonly number[];
  readonly bad: number;
}

export interface ModelDevice extends AsyncDisposable {
  readonly id: string;
  readonly isOnline: boolean;
  /** Made and, as far as the device knows, not settled. */
  readonly pending: number;
  /** Frames whose fate the model does not know. */
  readonly doubt: number;
  readonly acked: number;
  /** Values in commit order. */
  readonly rows: readonly number[];
  readonly books: ReadonlyMap<string, ModelBook>;
  /** What was not as the model has it; empty in a good run. */
  readonly surprises: readonly string[];
  /** Makes frames without sending them. */
  make(kinds: readonly FrameKind[]): void;
  connect(): Promise<void>;
  /** Sends everything pending. `hear`: and waits for the acks; `deafen`: waits until it is settled, and forgets that; `cut`: not at all. */
  send(end: 'hear' | 'deafen' | 'cut'): Promise<void>;
  /** A second connection takes over while frames of the first are under way. */
  takeOver(): Promise<void>;
  gap(count: number, reason: string): Promise<void>;
  /** An unreadable frame, twice, and then a gap in its place. */
  poison(text: (seq: number) => string): Promise<void>;
  /** A seq that is not the next one: refused, and nothing changes. */
  wrongSeq(distance: number): Promise<void>;
  /** A hello whose counter was reset. */
  forgetCounter(): Promise<void>;
  /** Power off: what was pending is gone. */
  reboot(how: 'counter kept' | 'new stream'): void;
  /** A bare pack. */
  pack(): Promise<void>;
  /** By HTTP, in a stream of its own: a new frame, the last one again, or one out of turn. */
  post(what: 'next' | 'again' | 'regression' | 'skip'): Promise<void>;
  /** By HTTP into the stream that is open on the socket: refused, and nothing changes. */
  postIntoOpen(): Promise<void>;
  /** The connection is gone, with the gateway. */
  hangUp(): Promise<void>;
}

/** All readings have one time, so that history gives them in commit order. */
export const MODEL_TIME_S = 1_700_000_000;
const POST_STREAM = 'posted-stream';

export function createModelDevice(gateway: ChildGateway, id: string, token: string): ModelDevice {
  const books = new Map<string, ModelBook>();
  const rows: number[] = [];
  const surprises: string[] = [];
  let streams = 0;
  let stream = '';
  let next = 1;
  /** What the device has been told of, and what it would send again. */
  let heard = 0;
  let pending: Frame[] = [];
  /** Sent on a connection that was cut, in order, after what the model knows to be settled. */
  let doubt: Frame[] = [];
  let socket: TestSocket | null = null;
  let made = 0;
  let lastPost: Frame | null = null;

  function bookOf(name: string): ModelBook {
    let book = books.get(name);
    if (book === undefined) {
      book = { acked: 0, stored: 0, quarantined: 0, gaps: 0, readings: 0, refused: 0 };
      books.set(name, book);
    }
    return book;
  }
  function newStream(): void {
    stream = `model-stream-${++streams}`;
    next = 1;
    heard = 0;
    pending = [];
    doubt = [];
  }
  function expect(what: string, is: unknown, wanted: unknown): void {
    const [a, b] = [JSON.stringify(is), JSON.stringify(wanted)];
    if (a !== b) surprises.push(`${what}: ${a} instead of ${b}`);
  }
  function frameOf(seq: number, kind: FrameKind): Frame {
    const good = kind === 'bad' || kind === 'no-list' ? 0 : 1 + (made % 3);
    const values = Array.from({ length: good }, () => ++made);
    return { seq, kind, values, bad: kind === 'good' ? 0 : 1 };
  }
  function recordsOf({ kind, values }: Frame): unknown {
    if (kind === 'no-list') return 'no list';
    const good = values.map((v) => ({ n: 'm', v, t: MODEL_TIME_S }));
    return kind === 'good' ? good : [...good, { n: 'm', t: MODEL_TIME_S }];
  }
  function settle(name: string, frame: Frame): void {
    const book = bookOf(name);
    book.acked++;
    book.readings += frame.values.length;
    book.refused += frame.bad;
    if (frame.values.length > 0) book.stored++;
    else book.quarantined++;
    rows.push(...frame.values);
  }
  function settleGap(count: number): void {
    const book = bookOf(stream);
    book.acked += count;
    book.gaps += count;
  }
  const say = (frame: Frame): void => socket!.send({ type: 'readings', seq: frame.seq, readings: recordsOf(frame) });

  /** Waits for the ack that covers `last`; each of the frames with a bad record gets one reject before it. */
  async function hearAcks(frames: readonly Frame[], last: number): Promise<void> {
    const rejects: number[] = [];
    let acked = 0;
    while (acked < last) {
      const message = await socket!.next();
      if (message.type === 'reject') {
        if (message.seq <= acked) surprises.push(`the reject of ${message.seq} came after the ack of ${acked}`);
        rejects.push(message.seq);
      } else if (message.type === 'ack') {
        if (message.seq <= acked || message.seq > last) surprises.push(`ack ${message.seq} after ${acked}, with ${last} sent`);
        acked = message.seq;
      } else throw new Error(`unexpected ${JSON.stringify(message)}`);
    }
    expect(
      'rejects',
      rejects,
      frames.filter((frame) => frame.bad > 0).map((frame) => frame.seq),
    );
  }
  async function drop(): Promise<void> {
    const gone = socket;
    socket = null;
    await gone?.[Symbol.asyncDispose]();
  }
  async function expectEnd(what: string, wanted: { code: number; error: string; expected?: number }): Promise<void> {
    const error = await socket!.until((message: { type: string }) => message.type === 'error');
    expect(`${what}: error`, [error.code, error.fatal, error.expected], [wanted.error, true, wanted.expected]);
    expect(`${what}: close`, (await socket!.closed()).code, wanted.code);
    await drop();
  }
  /** hello on the open socket; whatever was in doubt is known afterwards. */
  async function greet(): Promise<void> {
    const book = bookOf(stream);
    const oldest = pending[0]?.seq ?? next;
    const welcome = await socket!.hello(stream, { oldest, next, acked: heard });
    const lost = Math.max(0, oldest - 1 - book.acked - doubt.length);
    const arrived = welcome.acked - book.acked - lost;
    if (arrived < 0 || arrived > doubt.length)
      surprises.push(`welcome says ${welcome.acked}: the model has ${book.acked} and ${doubt.length} in doubt, ${lost} lost`);
    for (const frame of doubt.slice(0, Math.max(0, arrived))) settle(stream, frame);
    doubt = [];
    if (lost > 0) settleGap(lost);
    // what the gateway says goes, as with any device
    heard = welcome.acked;
    pending = pending.filter((frame) => frame.seq > heard);
  }

  newStream();
  const device: ModelDevice = {
    id,
    get isOnline() {
      return socket !== null;
    },
    get pending() {
      return pending.length;
    },
    get doubt() {
      return doubt.length;
    },
    get acked() {
      return bookOf(stream).acked;
    },
    rows,
    books,
    surprises,
    make(kinds) {
      for (const kind of kinds) pending.push(frameOf(next++, kind));
    },
    async connect() {
      socket = await gateway.device(token);
      await greet();
    },
    async send(end) {
      const frames = pending;
      for (const frame of frames) say(frame);
      if (end === 'cut') {
        doubt = frames;
        await drop();
        return;
      }
      if (frames.length > 0) await hearAcks(frames, frames.at(-1)!.seq);
      for (const frame of frames) settle(stream, frame);
      if (end === 'deafen') {
        // the acks were lost on the way: the device keeps the frames
        await drop();
        return;
      }
      heard = bookOf(stream).acked;
      pending = [];
    },
    async takeOver() {
      const older = socket!;
      for (const frame of pending) say(frame);
      doubt = pending;
      socket = await gateway.device(token);
      const end = await older.closed();
      expect('the older connection', [end.code, end.reason], [4409, 'superseded']);
      await older[Symbol.asyncDispose]();
      await greet();
    },
    async gap(count, reason) {
      socket!.send({ type: 'gap', from: next, to: next + count - 1, reason });
      next += count;
      await hearAcks([], next - 1);
      settleGap(count);
      heard = next - 1;
    },
    async poison(text) {
      for (let time = 0; time < 2; time++) {
        if (socket === null) await device.connect();
        socket!.send(text(next));
        await expectEnd('poison', { code: 4400, error: 'bad-json', expected: next });
      }
      await device.connect();
      await device.gap(1, 'refused');
    },
    async wrongSeq(distance) {
      const seq = next + distance;
      say({ ...frameOf(seq, 'good') });
      const error = distance < 0 ? 'seq-regression' : 'seq-gap';
      await expectEnd(error, { code: 4409, error, expected: next });
    },
    async forgetCounter() {
      socket = await gateway.device(token);
      const { acked } = bookOf(stream);
      socket.send({ type: 'hello', stream, oldest: 1, next: 1 });
      await expectEnd('a reset counter', { code: 4409, error: 'seq-regression', expected: acked + 1 });
    },
    reboot(how) {
      pending = [];
      heard = 0;
      if (how === 'new stream') newStream();
    },
    async pack() {
      const frame = frameOf(0, 'good');
      socket!.send(recordsOf(frame) as object);
      expect('the answer to a pack', await socket!.next(), { type: 'stored', readings: frame.values.length });
      settle('~ws', frame);
    },
    async post(what) {
      const { acked } = bookOf(POST_STREAM);
      const again = what === 'again' && lastPost !== null;
      const frame = again ? lastPost! : frameOf(acked + 1, 'good');
      const seq = what === 'regression' ? acked - 1 : what === 'skip' ? acked + 2 : frame.seq;
      const answer = await post(gateway, token, { stream: POST_STREAM, seq, records: recordsOf(frame) });
      if (what === 'regression' || what === 'skip') {
        const code = what === 'skip' ? 'seq-gap' : 'seq-regression';
        expect(`post ${what}`, [answer.status, answer.body.code, answer.body.expected], [409, code, acked + 1]);
      } else if (again) expect('post again', [answer.status, answer.body.stored, answer.body.duplicate], [200, 0, true]);
      else {
        expect('post', [answer.status, answer.body.stored], [200, frame.values.length]);
        settle(POST_STREAM, frame);
        lastPost = frame;
      }
      expect(`acked after post ${what}`, answer.acked, String(bookOf(POST_STREAM).acked));
    },
    async postIntoOpen() {
      const answer = await post(gateway, token, { stream, seq: next, records: recordsOf(frameOf(next, 'good')) });
      expect('post into the open stream', [answer.status, answer.body.code], [409, 'stream-in-use']);
    },
    hangUp: drop,
    [Symbol.asyncDispose]: drop,
  };
  return device;
}

interface PostAnswer {
  readonly status: number;
  readonly acked: string | undefined;
  readonly body: { readonly stored?: number; readonly duplicate?: boolean; readonly code?: string; readonly expected?: number };
}

interface Posted {
  readonly stream: string;
  readonly seq: number;
  readonly records: unknown;
}

function post(gateway: ChildGateway, token: string, { stream, seq, records }: Posted): Promise<PostAnswer> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/senml+json',
    'fieldgate-stream': stream,
    'fieldgate-seq': String(seq),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: 'localhost', port: gateway.port, path: '/v1/readings', method: 'POST', headers, ca: gateway.caPem, agent: false },
      (incoming) => {
        let text = '';
        incoming.on('data', (part: Buffer) => (text += part.toString()));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const acked = incoming.headers['fieldgate-acked'];
          resolve({ status: incoming.statusCode ?? 0, acked: acked?.toString(), body: JSON.parse(text) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(records));
  });
}
