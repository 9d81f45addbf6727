// A refused row in an editor: what is written is judged by the gateway while one types, and stored in the place of what was sent.
import { useState } from 'preact/hooks';
import type { QuarantineView } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Submit, TextArea } from '../parts/form.tsx';
import { base64Bytes } from '../serial/frame-text.ts';
import { cborText } from './cbor-text.ts';
import { isSerialLine } from './refusal-words.ts';
import { replayRow } from './replay-run.ts';
import type { ReplayResult } from './replay-run.ts';
import { TrialNote } from './trial-note.tsx';
import { useReplayTrial } from './use-replay-trial.ts';

interface ReplayDialogProps {
  readonly row: QuarantineView;
  readonly onClose: () => void;
  readonly onDone: (result: ReplayResult) => void;
}

/** As text: bytes that can't be decoded begin as nothing. */
function editable(row: QuarantineView): string {
  return row.encoding === 'utf8' ? row.raw : (cborText(base64Bytes(row.raw)) ?? '');
}

export function ReplayDialog({ row, onClose, onDone }: ReplayDialogProps) {
  const [raw, setRaw] = useState(() => editable(row));
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const trial = useReplayTrial(row.id, raw, raw !== '');
  const words = text.quarantine.edit;

  async function submit(): Promise<void> {
    setBusy(true);
    const result = await replayRow(row.id, raw);
    setBusy(false);
    if (result.outcome === 'stored' || result.outcome === 'duplicate') {
      onDone(result);
      onClose();
    } else setFault(result.sentence);
  }
  return (
    <Dialog title={words.title} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div class="dialog-body replay-form">
          <p>{words.lede(row.device)}</p>
          <TextArea
            label={isSerialLine(row) ? words.line : words.raw}
            class="mono"
            rows={Math.min(14, Math.max(4, raw.split('\n').length + 1))}
            value={raw}
            onInput={(event) => {
              setFault('');
              setRaw(event.currentTarget.value);
            }}
          />
          <TrialNote trial={trial} />
          <Fault>{fault}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={words.submit} busyLabel={words.busy} isDisabled={raw === '' || trial.tried?.readings === 0} />
        </footer>
      </form>
    </Dialog>
  );
}
