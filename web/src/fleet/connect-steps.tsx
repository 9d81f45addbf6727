// A token shown once, what to run with it, and a checklist that turns green as the device gets through.
import { useEffect, useState } from 'preact/hooks';
import type { QuarantineView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { useConnected } from '../connected.ts';
import { formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { metricLabel } from '../parts/value.tsx';
import { snippet } from './snippets.ts';
import type { SnippetName } from './snippets.ts';

const NAMES: readonly SnippetName[] = ['curl', 'python', 'wscat', 'simulator'];
const ASK_EVERY_MS = 3000;

export function ConnectSteps({ device, token }: { device: string; token: string }) {
  const [name, setName] = useState<SnippetName>('curl');
  const [needsCa, setNeedsCa] = useState(false);
  useEffect(() => {
    // the authority is served only where the gateway made its certificate itself
    if (location.protocol !== 'https:') return;
    fetch('/ca.crt', { method: 'GET' }).then(
      (answer) => setNeedsCa(answer.ok),
      () => setNeedsCa(false),
    );
  }, []);
  const code = snippet(name, { device, token, origin: location.origin, needsCa });
  return (
    <div class="connect">
      <div class="token-box">
        <div>
          <span class="label">{text.add.token}</span>
          <code class="mono" data-token>
            {token}
          </code>
        </div>
        <CopyButton content={token} />
        <p>{text.add.tokenOnce}</p>
      </div>
      <Checklist device={device} />
      <div class="snippets">
        <div class="snippets-head">
          <Segments
            label={text.add.snippets}
            choices={NAMES.map((value) => ({ value, label: text.add.snippet[value] }))}
            value={name}
            onChange={setName}
          />
          <CopyButton content={code} />
        </div>
        <pre tabIndex={0} aria-label={text.add.snippets}>
          <code>{code}</code>
        </pre>
        {needsCa ? (
          <a class="text-link" href="/ca.crt" download>
            {text.add.caLink}
          </a>
        ) : null}
      </div>
    </div>
  );
}

function Checklist({ device: id }: { device: string }) {
  const { fleet } = useConnected();
  const [madeAtMs] = useState(() => nowMs.peek());
  const [refusal, setRefusal] = useState<QuarantineView | null>(null);
  fleet.list.value;
  nowMs.value;
  const device = fleet.get(id);
  device?.changed.value;
  const metric = device === undefined ? undefined : [...device.metrics.values()][0];
  const hasReading = metric !== undefined && device !== undefined && device.lastReadingMs > 0;
  const isConnected = device?.isOnline === true;

  useEffect(() => {
    if (hasReading) return;
    const ask = async (): Promise<void> => {
      const answer = await api.get('/v1/quarantine', { query: { device: id, limit: 1 } }).catch(() => null);
      setRefusal(answer?.items.find(({ atMs }) => atMs >= madeAtMs - 2000) ?? null);
    };
    const timer = setInterval(ask, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [hasReading, id]);

  return (
    <ol class="checklist" aria-label={text.add.progress} aria-live="polite">
      <Step isDone label={text.add.steps.token} />
      <Step
        isDone={isConnected || hasReading}
        label={hasReading && !isConnected ? text.add.steps.overHttp : text.add.steps.connected}
        waiting={text.add.waiting.connected}
      />
      <Step
        isDone={hasReading}
        label={text.add.steps.reading}
        waiting={refusal === null ? text.add.waiting.reading : text.add.refused(refusal.message)}
        note={
          metric === undefined ? '' : `${metricLabel(metric.name)} ${formatValue(metric.value, metric.scale, metric.name)} ${metric.unit}`
        }
      />
    </ol>
  );
}

function Step({ isDone, label, waiting = '', note = '' }: { isDone: boolean; label: string; waiting?: string; note?: string }) {
  const said = isDone ? note : waiting;
  return (
    <li class={isDone ? 'is-done' : ''}>
      <span class="mark" aria-hidden="true">
        {isDone ? <Icon name="check" /> : null}
      </span>
      <span>
        <b>{label}</b>
        {said === '' ? null : <small>{said}</small>}
      </span>
    </li>
  );
}
