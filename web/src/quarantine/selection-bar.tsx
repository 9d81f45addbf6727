// Rows that are selected, and what is done to all of them, one after the other, with its progress.
import { useState } from 'preact/hooks';
import type { QuarantineView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { DiscardDialog } from './discard-dialog.tsx';
import { replayRow } from './replay-run.ts';
import type { ReplayResult } from './replay-run.ts';

interface SelectionBarProps {
  readonly rows: readonly QuarantineView[];
  readonly selected: ReadonlySet<number>;
  readonly onSelect: (ids: readonly number[]) => void;
  readonly onResult: (id: number, result: ReplayResult) => void;
  readonly onGone: (ids: readonly number[]) => void;
  readonly onNote: (note: string) => void;
}
const NAMED = 5;

export function SelectionBar({ rows, selected, onSelect, onResult, onGone, onNote }: SelectionBarProps) {
  const words = text.quarantine;
  const [done, setDone] = useState<number | null>(null);
  const [isAsking, setAsking] = useState(false);
  const chosen = rows.filter(({ id }) => selected.has(id));
  const count = chosen.length;
  const devices = [...new Set(chosen.map(({ device }) => device))];
  const isAll = count > 0 && count === rows.length;

  /** Oldest first, as they came. */
  async function replay(): Promise<void> {
    const sums = { stored: 0, refused: 0, duplicate: 0, failed: 0 };
    setDone(0);
    for (const [at, { id }] of chosen.toReversed().entries()) {
      const result = await replayRow(id, null);
      sums[result.outcome]++;
      onResult(id, result);
      setDone(at + 1);
    }
    setDone(null);
    onSelect([]);
    onNote(words.summary(formatNumber(sums.stored), formatNumber(sums.refused + sums.failed), formatNumber(sums.duplicate)));
  }
  async function discard(): Promise<void> {
    const gone: number[] = [];
    try {
      for (const { id } of chosen) {
        await api.delete('/v1/quarantine/:id', { params: { id: String(id) } });
        gone.push(id);
      }
    } finally {
      onGone(gone);
      onNote(words.discarded(gone.length, formatNumber(gone.length)));
    }
  }

  return (
    <header class="selection">
      <label class="check">
        <input
          type="checkbox"
          checked={isAll}
          ref={(box) => {
            if (box !== null) box.indeterminate = count > 0 && !isAll;
          }}
          onChange={() => onSelect(isAll ? [] : rows.map(({ id }) => id))}
        />
        <span>{count === 0 ? words.selectAll : words.selected(formatNumber(count))}</span>
      </label>
      {count === 0 ? null : (
        <div class="end">
          {done === null ? null : (
            <span class="dim" role="status">
              {words.progress(formatNumber(done), formatNumber(count))}
            </span>
          )}
          <button type="button" class="btn small" disabled={done !== null} onClick={replay}>
            {done === null ? words.replay : words.replaying}
          </button>
          <button type="button" class="btn small" disabled={done !== null} onClick={() => setAsking(true)}>
            <Icon name="trash" />
            {words.discard}
          </button>
        </div>
      )}
      {isAsking ? (
        <DiscardDialog
          title={words.confirm.title(count, formatNumber(count))}
          what={words.confirm.of(devices.length > NAMED ? `${devices.slice(0, NAMED).join(', ')} …` : devices.join(', '))}
          discard={discard}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </header>
  );
}
