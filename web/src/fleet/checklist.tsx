// How far a device has got: token, connection, first reading, its unit. What holds it up is said in the gateway's own words: who was sent
// away at its door, and what of the device's frames was refused.
import { useEffect, useState } from 'preact/hooks';
import type { AttemptView, QuarantineView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs, serverNowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatAge, formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { metricLabel } from '../parts/value.tsx';

const ASK_EVERY_MS = 2000;
/** What happened a moment before the list was shown belongs to it. */
const BEFORE_MS = 2000;
const words = text.add;

export function Checklist({ device: id, hasToken = true }: { device: string; hasToken?: boolean }) {
  const { fleet } = useConnected();
  fleet.list.value;
  const device = fleet.get(id);
  device?.changed.value;
  const metrics = device === undefined ? [] : [...device.metrics.values()];
  const [metric] = metrics;
  const hasReading = metric !== undefined;
  const hasConnected = device !== undefined && (device.isOnline || device.hasClosed);
  const trouble = useTrouble(id, hasToken && !hasReading);
  const measured = metrics.find(({ unit }) => unit !== '');
  const isUnitless = hasReading && metrics.every(({ value }) => typeof value !== 'number');

  // a fleet that was empty when the page was opened is not followed yet
  useEffect(() => fleet.follow([id], () => void fleet.load()), [fleet, id]);
  useEffect(() => {
    if (hasToken && device === undefined) void fleet.load();
  }, [fleet, hasToken, device === undefined]);

  // live readings carry no unit: one that comes later is asked for
  const isAskingUnit = hasReading && measured === undefined && !isUnitless;
  useEffect(() => {
    if (!isAskingUnit) return;
    const ask = (): void => void api.get('/v1/devices/:id', { params: { id } }).then(fleet.put, () => undefined);
    const timer = setInterval(ask, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [fleet, id, isAskingUnit]);

  return (
    <ol class="checklist" aria-label={words.progress} aria-live="polite">
      <Step isDone={hasToken} label={words.steps.token} waiting={words.waiting.token} />
      <Step
        isDone={hasConnected || hasReading}
        label={hasReading && !hasConnected ? words.steps.overHttp : words.steps.connected}
        waiting={words.waiting.connected}
        trouble={trouble.attempt === null ? '' : <AttemptWords attempt={trouble.attempt} />}
      />
      <Step
        isDone={hasReading}
        label={words.steps.reading}
        waiting={words.waiting.reading}
        trouble={trouble.refusal === null ? '' : words.refused(trouble.refusal.message)}
        note={
          metric === undefined ? '' : `${metricLabel(metric.name)} ${formatValue(metric.value, metric.scale, metric.name)} ${metric.unit}`
        }
      />
      <Step
        isDone={measured !== undefined || isUnitless}
        label={words.steps.unit}
        waiting={hasReading ? words.waiting.noUnit : ''}
        note={measured === undefined ? words.unitless : `${metricLabel(measured.name)}: ${measured.unit}`}
      />
    </ol>
  );
}

/** The newest refusal at the door, and of a frame, since this was shown. */
function useTrouble(id: string, isAsking: boolean) {
  const [sinceMs] = useState(() => serverNowMs() - BEFORE_MS);
  const [attempt, setAttempt] = useState<AttemptView | null>(null);
  const [refusal, setRefusal] = useState<QuarantineView | null>(null);
  useEffect(() => {
    if (!isAsking) return;
    const ask = async (): Promise<void> => {
      const [attempts, refused] = await Promise.all([
        api.get('/v1/devices/:id/attempts', { params: { id } }).catch(() => null),
        api.get('/v1/quarantine', { query: { device: id, limit: 1 } }).catch(() => null),
      ]);
      const recent = attempts?.items.filter(({ atMs }) => atMs >= sinceMs) ?? [];
      // one that says whose it is counts before those that do not
      setAttempt(recent.find(({ device }) => device === id) ?? recent[0] ?? null);
      setRefusal(refused?.items.find(({ atMs }) => atMs >= sinceMs) ?? null);
    };
    void ask();
    const timer = setInterval(ask, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isAsking, id]);
  return { attempt, refusal };
}

function AttemptWords({ attempt }: { attempt: AttemptView }) {
  return (
    <>
      {words.attempt(attempt.address, formatAge(nowMs.value - attempt.atMs))} {attempt.message}
    </>
  );
}

interface StepProps {
  readonly isDone: boolean;
  readonly label: string;
  readonly waiting?: string;
  /** Instead of what it waits for. */
  readonly trouble?: preact.ComponentChildren;
  readonly note?: string;
}
function Step({ isDone, label, waiting = '', trouble = '', note = '' }: StepProps) {
  const isStuck = !isDone && trouble !== '';
  const said = isDone ? note : isStuck ? trouble : waiting;
  return (
    <li class={isDone ? 'is-done' : isStuck ? 'is-stuck' : ''}>
      <span class="mark" aria-hidden="true">
        {isDone ? <Icon name="check" /> : isStuck ? <Icon name="warn" /> : null}
      </span>
      <span>
        <b>{label}</b>
        {said === '' ? null : (
          <small>
            <bdi>{said}</bdi>
          </small>
        )}
      </span>
    </li>
  );
}
