// What today's rules make of a refused row, in a few lines.
import { unitSymbol } from '../../../gateway/protocol/units.ts';
import { formatFull, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { ReplayTrial } from './use-replay-trial.ts';

const SHOWN = 5;

interface TrialNoteProps {
  readonly trial: ReplayTrial;
  /** It is one record: which one needs no word. */
  readonly isOne?: boolean;
}

export function TrialNote({ trial: { tried, fault }, isOne = false }: TrialNoteProps) {
  const words = text.quarantine.trial;
  if (fault !== '') return <p class="trial is-bad">{fault}</p>;
  if (tried === null) return <p class="trial dim">{words.busy}</p>;
  const { readings, first, errors } = tried;
  return (
    <div class={`trial ${readings > 0 ? 'is-good' : 'is-bad'}`} role="status">
      {readings === 0 ? null : (
        <>
          <p>{words.good(readings, formatNumber(readings))}</p>
          <ul class="trial-readings">
            {first.slice(0, SHOWN).map(({ metric, unit, timeMs, value }, at) => (
              <li key={at} title={formatFull(timeMs)}>
                <bdi>{metric}</bdi> <b>{typeof value === 'number' ? String(value).replace('-', '−') : <bdi>{String(value)}</bdi>}</b>
                {unit === '' ? null : <span class="unit">{unitSymbol(unit)}</span>}
              </li>
            ))}
            {readings > SHOWN ? <li class="dim">{words.more(formatNumber(readings - Math.min(SHOWN, first.length)))}</li> : null}
          </ul>
        </>
      )}
      {errors.length === 0 ? null : (
        <>
          <p>{readings > 0 ? words.some(errors.length, formatNumber(errors.length)) : words.bad}</p>
          <ul>
            {errors.slice(0, SHOWN).map(({ index, code, message }, at) => (
              <li key={at} data-code={code}>
                {index === undefined || isOne ? '' : words.at(index + 1)}
                <bdi>{message}</bdi>
              </li>
            ))}
            {errors.length > SHOWN ? <li class="dim">{words.more(formatNumber(errors.length - SHOWN))}</li> : null}
          </ul>
        </>
      )}
    </div>
  );
}
