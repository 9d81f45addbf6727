// All ports that one thread reads, each in its seat: they come and go one by one, and none of the others notices. Runs in the thread; a
// test runs it in its own.

import { realpathSync } from 'node:fs';
import type { SlaveEvent } from './modbus-slave.ts';
import type { PortFrame } from './port-frames.ts';
import { type PortTrouble, portTrouble } from './port-line.ts';
import { createSeat, type Seat, SEAT_TICK_MS, type SeatSurroundings } from './port-seat.ts';
import type { PortSeat, PortStatus } from './serial-messages.ts';

export interface PortReader {
  /** Opens one more port, once the seat `after`, which was removed, has let go of its own. */
  add(seat: PortSeat, after: number | null): void;
  /** Closes a port for good; `gone` follows when everything that it read has been taken. */
  remove(seat: number): void;
  /** The batch under way of this seat has arrived. */
  taken(seat: number): void;
  /** Closes every port; resolves when all that was read has been taken. */
  close(): Promise<void>;
}

export interface PortReaderOptions extends SeatSurroundings {
  frames(seat: number, frames: readonly PortFrame[]): void;
  status(seat: number, status: PortStatus): void;
  event(seat: number, event: SlaveEvent): void;
  gone(seat: number): void;
}

/** A real path that is open, or being opened. */
interface Claim {
  readonly path: string;
  readonly real: string;
}
/** Removed: it is closed, and what it read is on its way. */
interface Leaving {
  /** Resolves when the port is let go, or is stuck. */
  readonly letGo: Promise<void>;
  hasLetGo: boolean;
}

export function createPortReader(options: PortReaderOptions): PortReader {
  const seats = new Map<number, Seat>();
  const leaving = new Map<number, Leaving>();
  /** Seats that wait for another one to let go, and for what. */
  const waiting = new Map<number, Promise<void>>();
  const claims = new Map<number, Claim>();
  let isClosed = false;
  let onEmpty: (() => void) | null = null;

  function claim(seat: number, path: string): PortTrouble | null {
    let real: string;
    try {
      real = realpathSync(path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return portTrouble(code === 'EACCES' ? 'permission' : code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'failed', message);
    }
    for (const [other, held] of claims) {
      if (other === seat || held.real !== real) continue;
      const isRead = seats.has(other) && !leaving.has(other);
      return portTrouble(
        'failed',
        isRead
          ? `${held.path} is the same port (${real}); keep one of them`
          : `the driver has not let go of ${real} since its port was removed`,
      );
    }
    claims.set(seat, { path, real });
    return null;
  }

  function sit({ seat, settings }: PortSeat): void {
    seats.set(
      seat,
      createSeat({
        ...options,
        settings,
        claim: (path) => claim(seat, path),
        release: () => claims.delete(seat),
        frames: (frames) => options.frames(seat, frames),
        status: (status) => options.status(seat, status),
        event: (event) => options.event(seat, event),
      }),
    );
  }

  /** The end of a removed seat. A port that is stuck is released by its driver, some day. */
  function leaveWhenEmpty(seat: number): void {
    const one = seats.get(seat);
    if (leaving.get(seat)?.hasLetGo !== true || one?.frames.isEmpty === false) return;
    one?.frames.close();
    seats.delete(seat);
    leaving.delete(seat);
    options.gone(seat);
  }

  const ticks = setInterval(() => {
    for (const [seat, one] of seats) if (!leaving.has(seat)) one.tick();
  }, SEAT_TICK_MS);
  const isEmpty = (): boolean => Array.from(seats.values()).every((seat) => seat.frames.isEmpty);

  return {
    add(added, after) {
      if (isClosed) return;
      const before = after === null ? undefined : leaving.get(after);
      if (before === undefined) return sit(added);
      waiting.set(added.seat, before.letGo);
      void before.letGo.then(() => {
        if (waiting.delete(added.seat) && !isClosed) sit(added);
      });
    },
    remove(seat) {
      const one = seats.get(seat);
      const letGo = one?.port.close() ?? waiting.get(seat);
      if (letGo === undefined || leaving.has(seat)) return;
      waiting.delete(seat);
      const left: Leaving = { letGo, hasLetGo: false };
      leaving.set(seat, left);
      void left.letGo.then(() => {
        left.hasLetGo = true;
        leaveWhenEmpty(seat);
      });
    },
    taken(seat) {
      seats.get(seat)?.frames.taken();
      leaveWhenEmpty(seat);
      if (onEmpty !== null && isEmpty()) onEmpty();
    },
    async close() {
      isClosed = true;
      clearInterval(ticks);
      await Promise.all(Array.from(seats.values(), (seat) => seat.port.close()));
      for (const seat of seats.values()) seat.frames.close();
      if (isEmpty()) return;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
    },
  };
}
