// What every Bus must do. Run over each implementation by its own test file.

import { expect, test } from 'vitest';
import { Batcher } from '../../gateway/ingest/batcher.ts';
import type { Bus, BusListener, Committed } from '../../gateway/relay/bus.ts';

export interface BusUnderTest {
  readonly bus: Bus;
  /** What listeners threw. */
  readonly errors: unknown[];
}

const { batch } = new Batcher(() => undefined).seal();
const committed = (position: number): Committed => ({ batch, position });

function recorder(): BusListener & { readonly heard: unknown[] } {
  const heard: unknown[] = [];
  return {
    heard,
    readings: ({ position }) => void heard.push(position),
    presence: ({ device, online }) => void heard.push([device, online]),
  };
}
const presence = (device: string, online: boolean) => ({ device, online, reason: 'connected', atMs: 1 });

export function busContract(create: () => BusUnderTest): void {
  test('listeners hear everything published after they subscribed, in order', async () => {
    const { bus } = create();
    const early = recorder();
    const late = recorder();
    bus.subscribe(early);
    bus.publish(committed(1));
    bus.presence(presence('a', true));
    bus.subscribe(late);
    for (let position = 2; position <= 50; position++) bus.publish(committed(position));
    bus.presence(presence('a', false));
    const rest = Array.from({ length: 49 }, (_, i) => i + 2);
    await expect.poll(() => early.heard).toStrictEqual([1, ['a', true], ...rest, ['a', false]]);
    await expect.poll(() => late.heard).toStrictEqual([...rest, ['a', false]]);
    await bus.close();
  });

  test('who left hears no more', async () => {
    const { bus } = create();
    const [leaving, staying] = [recorder(), recorder()];
    const leave = bus.subscribe(leaving);
    bus.subscribe(staying);
    bus.publish(committed(1));
    await expect.poll(() => leaving.heard).toStrictEqual([1]);
    leave();
    leave();
    bus.publish(committed(2));
    await expect.poll(() => staying.heard).toStrictEqual([1, 2]);
    expect(leaving.heard).toStrictEqual([1]);
    await bus.close();
  });

  test('a listener that throws stops neither the publisher nor the others, and is reported', async () => {
    const { bus, errors } = create();
    const fault = new Error('broken listener');
    bus.subscribe({
      readings: () => {
        throw fault;
      },
      presence: () => undefined,
    });
    const other = recorder();
    bus.subscribe(other);
    bus.publish(committed(1));
    await expect.poll(() => other.heard).toStrictEqual([1]);
    await expect.poll(() => errors).toStrictEqual([fault]);
    await bus.close();
  });

  test('closing is idempotent, and nothing is heard after it', async () => {
    const { bus } = create();
    const listener = recorder();
    bus.subscribe(listener);
    await bus.close();
    await bus.close();
    bus.publish(committed(1));
    expect(listener.heard).toStrictEqual([]);
  });
}
