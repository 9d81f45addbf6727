// One refused row: why, whose, where and when; opened, what was sent with what today's rules say, and what can be done about it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { QuarantineView, SerialPortView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatFull, formatMoment } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { writeSerialQuery } from '../serial/serial-query.ts';
import { DiscardDialog } from './discard-dialog.tsx';
import { codeWords, isSerialLine, placeWords } from './refusal-words.ts';
import { RefusedRaw } from './refused-raw.tsx';
import { ReplayDialog } from './replay-dialog.tsx';
import { replayRow } from './replay-run.ts';
import type { ReplayResult } from './replay-run.ts';
import { TrialNote } from './trial-note.tsx';
import { useReplayTrial } from './use-replay-trial.ts';

export interface RefusedRowProps {
  readonly row: QuarantineView;
  readonly isOpen: boolean;
  readonly ports: readonly SerialPortView[];
  readonly result: ReplayResult | undefined;
  /** The page is about this row's device anyway. */
  readonly isOfPage?: boolean;
  /** Before its head: a box to select it. */
  readonly children?: ComponentChildren;
  readonly onToggle: () => void;
  readonly onResult: (result: ReplayResult) => void;
  readonly onGone: () => void;
}

export function RefusedRow(props: RefusedRowProps) {
  const { row, isOpen, result, isOfPage = false, children, onToggle } = props;
  const words = text.quarantine;
  const isStored = row.replayedAtMs !== null || result?.outcome === 'stored';
  return (
    <li class={isStored ? 'refused is-stored' : 'refused'} data-row={row.id} data-code={row.code}>
      <div class="refused-head">
        {children}
        <button type="button" class="refused-toggle" aria-expanded={isOpen} onClick={onToggle}>
          <b>{codeWords(row.code)}</b>
          <span class="refused-why dim" title={row.message}>
            <bdi>{row.message}</bdi>
          </span>
        </button>
        {isOfPage ? null : (
          <a class="refused-device" title={row.device} href={`/devices/${encodeURIComponent(row.device)}`}>
            <bdi>{row.device}</bdi>
          </a>
        )}
        <span class="refused-place dim" title={row.stream}>
          {placeWords(row)}
        </span>
        <time class="dim" title={formatFull(row.atMs)} dateTime={new Date(row.atMs).toISOString()}>
          {isStored ? (
            <span class="tag is-stored-tag">
              <Icon name="check" /> {words.stored}
            </span>
          ) : (
            formatAge(nowMs.value - row.atMs)
          )}
        </time>
        <Icon name={isOpen ? 'less' : 'more'} />
      </div>
      {result === undefined ? null : (
        <p class={`refused-result is-${result.outcome}`} role="status">
          <bdi>{result.sentence}</bdi>
        </p>
      )}
      {isOpen ? <OpenRow {...props} isStored={isStored} /> : null}
    </li>
  );
}

function OpenRow({ row, ports, isStored, onResult, onGone }: RefusedRowProps & { isStored: boolean }) {
  const [asking, setAsking] = useState<'amend' | 'discard' | null>(null);
  const [isBusy, setBusy] = useState(false);
  const trial = useReplayTrial(row.id, null, !isStored);
  const words = text.quarantine;
  const faulty = new Set(trial.tried?.errors.flatMap(({ index }) => index ?? []));
  const port = ports.find((one) => one.device === row.device && one.settings?.rule != null);

  async function replay(): Promise<void> {
    setBusy(true);
    onResult(await replayRow(row.id, null));
    setBusy(false);
  }
  const bench = (): string =>
    writeSerialQuery({
      view: 'workbench',
      port: port?.id ?? '',
      line: row.encoding === 'utf8' ? row.raw : '',
      bytes: row.encoding === 'base64' ? row.raw : '',
      refused: row.id,
    });
  return (
    <div class="refused-open">
      <RefusedRaw row={row} faulty={faulty} />
      {isStored ? (
        row.replayedAtMs === null ? null : (
          <p class="trial is-good">
            {words.stored} {formatMoment(row.replayedAtMs, nowMs.value)}
          </p>
        )
      ) : (
        <TrialNote trial={trial} isOne={row.index !== null} />
      )}
      <div class="refused-acts">
        {isStored ? null : (
          <>
            <button
              type="button"
              class={(trial.tried?.readings ?? 0) > 0 ? 'btn primary' : 'btn'}
              disabled={isBusy}
              aria-busy={isBusy}
              onClick={replay}
            >
              {isBusy ? words.replaying : words.replay}
            </button>
            <button type="button" class="btn" onClick={() => setAsking('amend')}>
              <Icon name="edit" />
              {words.amend}
            </button>
            {isSerialLine(row) ? (
              <a class="btn" href={bench()}>
                <Icon name="bench" />
                {words.fixRule}
              </a>
            ) : null}
          </>
        )}
        <button type="button" class="btn" onClick={() => setAsking('discard')}>
          <Icon name="trash" />
          {words.discard}
        </button>
      </div>
      {asking === 'amend' ? <ReplayDialog row={row} onClose={() => setAsking(null)} onDone={onResult} /> : null}
      {asking === 'discard' ? (
        <DiscardDialog
          title={words.confirm.title(1, '1')}
          what={`${codeWords(row.code)}: ${row.device} · ${placeWords(row)}.`}
          discard={async () => {
            await api.delete('/v1/quarantine/:id', { params: { id: String(row.id) } });
            onGone();
          }}
          onClose={() => setAsking(null)}
        />
      ) : null}
    </div>
  );
}
