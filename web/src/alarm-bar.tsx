// What is wrong with the gateway itself, above every page: the gravest alarm with what mends it, the others behind a count. What was
// dismissed stays away for as long as the tab lives, unless it goes and comes again.
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { AlarmView } from '../../gateway/protocol/rest.ts';
import { nowMs } from './clock.ts';
import { useConnected } from './connected.ts';
import { formatAge } from './format.ts';
import { text } from './i18n/en.ts';
import { Icon } from './parts/icon.tsx';
import { may } from './session.ts';
import './styles/alarm-bar.css';

const KEPT_AS = 'fieldgate.dismissed-alarms';
const KEPT = 50;
const keyOf = ({ name, device, port, sinceMs }: AlarmView): string => [name, device, port, Math.round(sinceMs)].join(' ');

function readDismissed(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}
const dismissed = signal(readDismissed());
function dismiss(alarms: readonly AlarmView[]): void {
  dismissed.value = [...dismissed.value, ...alarms.map(keyOf)].slice(-KEPT);
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(dismissed.value));
  } catch {
    // a browser that keeps nothing: until the page is loaded again
  }
}

interface Way {
  readonly href: string;
  readonly words: string;
}
/** The page where it is mended, for those who may see it. */
function wayOf({ name, device, port }: AlarmView): Way | null {
  const words = text.alarms.link;
  switch (name) {
    case 'disk-low':
    case 'disk-full':
    case 'backup-failed':
      return may('admin') ? { href: '/settings', words: words.storage } : null;
    case 'certificate-ending':
      return may('admin') ? { href: '/settings', words: words.certificate } : null;
    case 'quarantine-growing':
      return may('operator') ? { href: '/quarantine', words: words.quarantine } : null;
    case 'duplicate-identity':
      return { href: `/devices/${encodeURIComponent(device ?? '')}`, words: words.device };
    case 'port-silent':
    case 'port-lost':
      return { href: `/serial?port=${encodeURIComponent(port ?? '')}`, words: words.port };
    case 'store-failed':
    case 'wal-large':
    case 'chunk-damaged':
    case 'clock-jumped':
    case 'store-went-back':
      return { href: '/events?kind=gateway', words: words.events };
    default:
      return name satisfies never;
  }
}

export function AlarmBar() {
  const { stats } = useConnected();
  const [isWhole, setWhole] = useState(false);
  const alarms = (stats.latest.value?.alarms ?? []).filter((alarm) => !dismissed.value.includes(keyOf(alarm)));
  if (alarms.length === 0) return null;
  const words = text.alarms;
  const shown = isWhole ? alarms : alarms.slice(0, 1);
  return (
    <section class="alarm-bar" aria-label={words.label}>
      <div role="alert">
        <ul>
          {shown.map((alarm) => (
            <Alarm key={keyOf(alarm)} alarm={alarm} />
          ))}
        </ul>
      </div>
      {alarms.length > 1 ? (
        <button type="button" class="btn small alarm-more" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? words.less : words.more(alarms.length - 1)}
        </button>
      ) : null}
    </section>
  );
}

function Alarm({ alarm }: { alarm: AlarmView }) {
  const words = text.alarms;
  const way = wayOf(alarm);
  return (
    <li class={alarm.severity === 'critical' ? 'is-bad' : ''} data-alarm={alarm.name}>
      <Icon name="warn" />
      <p>
        <b>{words.title[alarm.name]}</b> <bdi>{alarm.message}</bdi>{' '}
        {way === null ? null : (
          <a class="text-link" href={way.href}>
            {way.words}
          </a>
        )}{' '}
        <small class="dim" aria-hidden="true">
          {words.since(formatAge(nowMs.value - alarm.sinceMs))}
        </small>
      </p>
      <button type="button" class="btn quiet square" aria-label={words.dismiss} title={words.dismiss} onClick={() => dismiss([alarm])}>
        <Icon name="close" />
      </button>
    </li>
  );
}
