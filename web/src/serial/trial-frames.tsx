// What the workbench's bytes become: each frame beside its readings, or the reason why it has none.
import type { SenmlRecord } from '../../../gateway/protocol/messages.ts';
import { unitSymbol } from '../../../gateway/protocol/units.ts';
import { formatFull, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Fault } from '../parts/form.tsx';
import { FrameRow } from './frame-list.tsx';
import type { Trial } from './use-trial.ts';

export function TrialFrames({ trial: { tried, isBusy, fault, errors = [] }, whole }: { trial: Trial; whole: string | undefined }) {
  const words = text.serial.workbench;
  const frames = tried?.frames ?? [];
  // half a rule is no alarm: its fields say what they need
  const isShownAtFields = errors.length > 0 && whole === undefined;
  const readings = frames.reduce((sum, frame) => sum + frame.readings, 0);
  return (
    <section class="panel bench-out" aria-label={words.results} aria-busy={isBusy}>
      <header>
        <h2>{words.results}</h2>
        <span class="dim" role="status">
          {tried === null || fault !== '' ? '' : words.counts(formatNumber(frames.length), frames.length, formatNumber(readings), readings)}
        </span>
      </header>
      {fault === '' ? null : isShownAtFields ? (
        <p class="panel-note">{words.unusable}</p>
      ) : (
        <div class="bench-fault">
          <Fault>{whole === undefined ? fault : `${fault} ${whole}`}</Fault>
        </div>
      )}
      {tried === null && fault === '' ? <p class="panel-note">{words.empty}</p> : null}
      {tried !== null && frames.length === 0 && fault === '' ? <p class="panel-note">{words.nothing}</p> : null}
      {frames.length === 0 ? null : (
        <ol class={fault === '' ? 'frame-list' : 'frame-list is-old'} tabIndex={0} aria-label={words.results}>
          {frames.map((frame) => (
            <FrameRow key={frame.number} frame={frame} lead={<span class="faint">{formatNumber(frame.number)}</span>}>
              <span class="records">
                {frame.records.map((record, index) => (
                  <Record key={index} record={record} />
                ))}
              </span>
            </FrameRow>
          ))}
        </ol>
      )}
      {tried?.more === true ? <p class="panel-note">{words.more}</p> : null}
    </section>
  );
}

function Record({ record: { bn = '', n = '', u, v, vs, vb, t } }: { record: SenmlRecord }) {
  const unit = u === undefined ? '' : unitSymbol(u);
  return (
    <span class="record" title={t === undefined || t < 1e9 ? undefined : formatFull(t * 1000)}>
      <bdi>{`${bn}${n}`}</bdi> <b>{v === undefined ? <bdi>{vs ?? String(vb)}</bdi> : String(v).replace('-', '−')}</b>
      {unit === '' ? null : <span class="unit">{unit}</span>}
    </span>
  );
}
