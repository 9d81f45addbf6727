// How far a work on the databases got, and how it ended.
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { bytesText } from './rule-draft.ts';
import { type UpkeepKind, upkeepRun } from './upkeep-runs.ts';

const words = text.settings.backup;
const SHOWN_FINDINGS = 20;

export function UpkeepNews({ kind }: { kind: UpkeepKind }) {
  const run = upkeepRun(kind).value;
  if (run === null) return null;
  const { end, doing, left, most, findings } = run;
  return (
    <div class="upkeep-news" data-upkeep={kind} data-end={end?.type} aria-live="polite">
      {end === null ? (
        <>
          <span>
            {doing === '' ? text.loading : doing}
            {left === null ? '' : `: ${words.left(formatNumber(left))}`}
          </span>
          {left === null || most === null || most === 0 ? (
            <progress aria-label={doing || text.loading} />
          ) : (
            <progress value={most - left} max={most} aria-label={doing} />
          )}
        </>
      ) : (
        <p class={end.type === 'failed' || findings.length > 0 ? 'is-offline' : 'is-live'}>
          <Icon name={end.type === 'failed' || findings.length > 0 ? 'warn' : 'check'} />
          <span>{endText(end)}</span>
        </p>
      )}
      {findings.length === 0 ? null : (
        <ul class="findings">
          {findings.slice(0, SHOWN_FINDINGS).map(({ what, device, metric, detail }, index) => (
            <li key={index}>
              <b>{what}</b> {[device, metric].filter((part) => part !== null).join(' ')} {detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function endText(end: NonNullable<NonNullable<ReturnType<typeof upkeepRun>['value']>['end']>): string {
  switch (end.type) {
    case 'verified':
      return end.findings === 0 ? words.sound(formatNumber(end.readings), formatNumber(end.chunks)) : words.unsound(end.findings);
    case 'compacted':
      return words.compacted(bytesText(end.bytes), formatNumber(end.readings === 0 ? 0 : end.bytes / end.readings, 2));
    case 'backed-up':
      return `${words.made(bytesText(end.bytes))} ${end.file}`;
    case 'failed':
      return end.message;
    case 'progress':
    case 'found':
      return '';
    default: {
      const unknown: never = end;
      return unknown;
    }
  }
}
