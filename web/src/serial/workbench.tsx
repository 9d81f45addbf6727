// The workbench: pasted bytes, a framing and a rule on one side, the frames with their readings or reasons on the other, as one types.
import { useState } from 'preact/hooks';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Segments, Select, TextArea } from '../parts/form.tsx';
import { may } from '../session.ts';
import { isOfLines, lastLines, rawOf, rewritten } from './bench-bytes.ts';
import type { BenchBytes } from './bench-bytes.ts';
import { hexOf } from './frame-text.ts';
import { PortDialog } from './port-dialog.tsx';
import { BLANK, partsOf, portDraftOf, portPlaces } from './port-draft.ts';
import { pathWords } from './port-words.ts';
import { RuleFields } from './rule-fields.tsx';
import { placeFaults } from './setting-faults.ts';
import { FRAMINGS } from './setting-specs.ts';
import { TrialFrames } from './trial-frames.tsx';
import { useTrial } from './use-trial.ts';

interface WorkbenchProps {
  readonly ports: readonly SerialPortView[];
  /** The id of the port whose settings are tried; '' for none. */
  readonly chosen: string;
  /** What the bytes begin with: text, bytes, or '' for the last lines of the port. */
  readonly begin: string | Uint8Array;
  /** The row of quarantine that they are from. */
  readonly refused: number | null;
  readonly onChoose: (id: string) => void;
  readonly onSaved: () => void;
}

/** A Modbus bus has no rule to try. */
const hasRule = (port: SerialPortView | undefined): boolean => port?.settings?.rule != null;
function draftsOf(port: SerialPortView | undefined) {
  const { framing, rule } = portDraftOf((hasRule(port) ? port?.settings : null) ?? BLANK);
  return { framing, rule };
}

function firstBytes(begin: string | Uint8Array, port: SerialPortView | undefined): BenchBytes {
  if (typeof begin !== 'string') return { format: 'hex', written: hexOf(begin) };
  return { format: 'text', written: begin === '' && port !== undefined ? lastLines(port) : begin };
}

export function Workbench({ ports, chosen, begin, refused, onChoose, onSaved }: WorkbenchProps) {
  const port = ports.find(({ id }) => id === chosen);
  const [parts, setParts] = useState(() => draftsOf(port));
  const [bytes, setBytes] = useState<BenchBytes>(() => firstBytes(begin, port));
  /** The bytes are the person's own: another port does not replace them. */
  const [isOwn, setOwn] = useState(begin !== '');
  const [note, setNote] = useState('');
  const [isSaving, setSaving] = useState(false);
  const words = text.serial.workbench;

  const settings = partsOf(parts);
  const raw = rawOf(bytes, parts.framing.kind);
  const wrong = raw !== null && 'wrong' in raw ? raw.wrong : null;
  const { framing, rule } = settings;
  const trial = useTrial(raw === null || 'wrong' in raw || rule === null ? null : { framing, rule, ...raw });
  const faults = placeFaults(trial.errors, portPlaces(parts));
  const kept = ports.filter(hasRule);
  const isOurs = port !== undefined && port.origin === 'console' && hasRule(port);

  function choose(id: string): void {
    const next = ports.find((one) => one.id === id);
    setParts(draftsOf(next));
    if (!isOwn) setBytes({ format: 'text', written: next === undefined ? '' : lastLines(next) });
    onChoose(id);
  }
  function writeAs(format: BenchBytes['format']): void {
    if (format === bytes.format) return;
    const next = bytes.written === '' ? { format, written: '' } : rewritten(bytes);
    setNote(next === null ? words.textLoss : '');
    if (next !== null) setBytes(next);
  }

  return (
    <div class="bench">
      <section class="panel bench-in" aria-label={words.bytes}>
        <p class="dim">{words.lede}</p>
        {refused === null ? null : (
          <p class="notice">
            <span>
              {words.refused}{' '}
              <a class="text-link" href={`/quarantine?row=${refused}`}>
                {words.toRefused}
              </a>
            </span>
          </p>
        )}
        {kept.length === 0 ? null : (
          <Select
            label={words.from}
            value={port === undefined ? '' : chosen}
            choices={[
              { value: '', label: words.fromNone },
              ...kept.map(({ id, device, path }) => ({ value: id, label: `${device} · ${pathWords(path)}` })),
            ]}
            onChoose={choose}
          />
        )}
        <div class="bench-bytes">
          <Segments
            label={words.format}
            choices={[
              { value: 'text', label: words.formats.text },
              { value: 'hex', label: words.formats.hex },
            ]}
            value={bytes.format}
            onChange={writeAs}
          />
          <TextArea
            label={words.bytes}
            hint={note || (bytes.format === 'hex' ? words.hexHint : isOfLines(parts.framing.kind) ? words.textHint : undefined)}
            fault={wrong === null ? faults.get('raw') : words.hexBad(wrong)}
            class="mono"
            rows={7}
            value={bytes.written}
            onInput={(event) => {
              setNote('');
              setOwn(event.currentTarget.value !== '');
              setBytes({ ...bytes, written: event.currentTarget.value });
            }}
          />
        </div>
      </section>
      <section class="panel bench-rule" aria-label={words.settings}>
        <RuleFields framings={FRAMINGS} {...parts} faults={faults} onChange={(next) => setParts({ ...parts, ...next })} />
        <div class="bench-end">
          {may('admin') ? (
            <button type="button" class="btn primary" onClick={() => setSaving(true)}>
              {isOurs ? words.take(port.device) : words.takeNew}
            </button>
          ) : null}
          <CopyButton label={words.copy} content={`framing: ${JSON.stringify(framing)}\nrule: ${JSON.stringify(rule)}\n`} />
        </div>
      </section>
      <TrialFrames trial={trial} whole={faults.get('')} />
      {isSaving ? (
        <PortDialog
          id={isOurs ? port.id : null}
          settings={{ ...((isOurs ? port.settings : null) ?? BLANK), ...settings }}
          onClose={() => setSaving(false)}
          onSaved={(saved) => {
            onSaved();
            onChoose(saved.id);
          }}
        />
      ) : null}
    </div>
  );
}
