// Pairing: for some minutes devices may ask for a token without a key. Each shows up with the code that it shows itself and its address;
// an operator lets it in or sends it away.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PairingRequestView, PairingView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatAge } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { Checklist } from './checklist.tsx';
import '../styles/connect.css';

const ASK_EVERY_MS = 1500;
const words = text.pair;

export function PairDialog({ onClose }: { onClose(): void }) {
  const { fleet } = useConnected();
  const [pairing, setPairing] = useState<PairingView | null>(null);
  const [approved, setApproved] = useState<readonly string[]>([]);
  const { run, fault } = useAction();
  const isLeft = useRef(false);

  useEffect(() => {
    void run(async () => setPairing(await api.post('/v1/pairing', undefined)));
    const timer = setInterval(() => {
      api.get('/v1/pairing').then(
        (told) => isLeft.current || setPairing(told),
        (error: unknown) => {
          // the connection bar tells of a gateway that is away
          if (!(error instanceof ApiError)) throw error;
        },
      );
    }, ASK_EVERY_MS);
    return () => {
      isLeft.current = true;
      clearInterval(timer);
      // nobody looks any more: nobody new is let in
      void api.delete('/v1/pairing').catch(() => undefined);
      void fleet.load();
    };
  }, [fleet]);

  const decide = async ({ id, device }: PairingRequestView, isWelcome: boolean): Promise<void> => {
    if (isWelcome) {
      await api.post('/v1/pairing/:id/approve', undefined, { params: { id } });
      setApproved((before) => [...before, device]);
    } else await api.delete('/v1/pairing/:id', { params: { id } });
    setPairing(await api.get('/v1/pairing'));
  };
  const items = pairing?.items ?? [];
  const done = items.filter(({ state, device }) => state !== 'pending' || approved.includes(device));
  const pending = items.filter((one) => !done.includes(one));

  return (
    <Dialog title={words.title} onClose={onClose} isWide>
      <div class="dialog-body pairing">
        <Fault>{fault}</Fault>
        <Countdown pairing={pairing} onExtend={() => run(async () => setPairing(await api.post('/v1/pairing', undefined)))} />
        {pending.length === 0 && done.length === 0 ? <p>{words.empty}</p> : null}
        <ul class="requests" aria-label={words.requests} aria-live="polite">
          {pending.map((request) => (
            <Request key={request.id} request={request} onDecide={(isWelcome) => run(() => decide(request, isWelcome))} />
          ))}
        </ul>
        {done.map(({ id, device, state }) => (
          <section key={id} class="paired" aria-label={device}>
            <h3>
              <a href={`/devices/${encodeURIComponent(device)}`}>{device}</a>
            </h3>
            <Checklist device={device} hasToken={state === 'fetched'} />
          </section>
        ))}
      </div>
      <footer>
        <button type="button" class="btn primary" onClick={onClose}>
          {text.done}
        </button>
      </footer>
    </Dialog>
  );
}

function Countdown({ pairing, onExtend }: { pairing: PairingView | null; onExtend(): void }) {
  const leftMs = pairing?.openUntil == null ? 0 : Math.max(0, Date.parse(pairing.openUntil) - nowMs.value);
  const seconds = Math.ceil(leftMs / 1000);
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return (
    <div class={leftMs > 0 ? 'countdown is-open' : 'countdown'}>
      <strong role="timer">{pairing === null ? text.none : left}</strong>
      <p>{pairing === null || leftMs > 0 ? words.open : words.over}</p>
      <button type="button" class="btn" onClick={onExtend}>
        {leftMs > 0 ? words.extend : words.again}
      </button>
    </div>
  );
}

function Request({ request, onDecide }: { request: PairingRequestView; onDecide(isWelcome: boolean): void }) {
  const { id, device, address, askedAt } = request;
  return (
    <li data-request={id}>
      <code class="mono" title={words.code}>
        {id}
      </code>
      <span>
        <b class="mono">{device}</b>
        <small>{words.from(address, formatAge(nowMs.value - Date.parse(askedAt)))}</small>
      </span>
      <span class="decide">
        <button type="button" class="btn" onClick={() => onDecide(false)}>
          {words.refuse}
        </button>
        <button type="button" class="btn primary" onClick={() => onDecide(true)}>
          {words.approve}
        </button>
      </span>
    </li>
  );
}
