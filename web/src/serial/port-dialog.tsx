// Adding a port, or changing one that was added here: which port, whose it is, how it speaks, and what its frames mean.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SerialPortView, SerialSettings } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { Fault, Input, Select, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { PortChoice } from './attached-ports.tsx';
import { BLANK, portBodyOf, portDraftOf, portPlaces } from './port-draft.ts';
import type { PortDraft } from './port-draft.ts';
import { RuleFields } from './rule-fields.tsx';
import { ALL_FRAMINGS } from './setting-specs.ts';
import { placeFaults } from './setting-faults.ts';
import type { Faults } from './setting-faults.ts';

interface PortDialogProps {
  /** null: it is added. */
  readonly id: string | null;
  /** What it is so far, or what a new one begins with. */
  readonly settings: SerialSettings | null;
  readonly onClose: () => void;
  readonly onSaved: (port: SerialPortView) => void;
}

export function PortDialog({ id, settings, onClose, onSaved }: PortDialogProps) {
  const [draft, setDraft] = useState(() => portDraftOf(settings ?? BLANK));
  const { isBusy, fault, faults: errors, run } = useAction();
  const words = text.serial.dialog;
  const faults = placeFaults(errors, portPlaces(draft));
  const whole = faults.get('');
  const form = useRef<HTMLFormElement>(null);
  // the form is long: the first thing that is wrong comes into view
  useEffect(() => {
    if (fault === '') return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .fault');
    (wrong ?? form.current?.querySelector('.alert'))?.scrollIntoView({ block: 'center' });
    wrong?.focus();
  }, [fault, errors]);
  const change = (next: Partial<PortDraft>): void => setDraft((now) => ({ ...now, ...next }));
  return (
    <Dialog title={id === null ? words.add : words.edit(settings?.device ?? '')} onClose={onClose} isWide>
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            const body = portBodyOf(draft);
            onSaved(id === null ? await api.post('/v1/serial', body) : await api.put('/v1/serial/:id', body, { params: { id } }));
            onClose();
          });
        }}
      >
        <div class="dialog-body port-form">
          <Fault>{fault === '' ? null : whole === undefined ? fault : `${fault} ${whole}`}</Fault>
          <PortChoice
            path={draft.path}
            ownPath={id === null ? '' : (settings?.path ?? '')}
            fault={faults.get('path')}
            onChoose={(path) => change({ path })}
          />
          <div class="fields-2">
            <Input
              label={words.device}
              hint={words.deviceHint}
              fault={faults.get('device')}
              class="mono"
              autocomplete="off"
              autocapitalize="off"
              maxLength={64}
              value={draft.device}
              onInput={(event) => change({ device: event.currentTarget.value })}
            />
            <Input
              label={words.expect}
              hint={words.expectHint}
              fault={faults.get('expectEverySeconds')}
              inputMode="decimal"
              autocomplete="off"
              value={draft.expectEverySeconds}
              onInput={(event) => change({ expectEverySeconds: event.currentTarget.value })}
            />
          </div>
          <LineFields draft={draft} faults={faults} onChange={change} />
          <RuleFields framings={ALL_FRAMINGS} framing={draft.framing} rule={draft.rule} faults={faults} onChange={change} />
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={id === null ? words.submitAdd : text.save} busyLabel={id === null ? words.busyAdd : text.saving} />
        </footer>
      </form>
    </Dialog>
  );
}

const BAUD_RATES = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

interface LineFieldsProps {
  readonly draft: PortDraft;
  readonly faults: Faults;
  readonly onChange: (next: Partial<PortDraft>) => void;
}

function LineFields({ draft, faults, onChange }: LineFieldsProps) {
  const words = text.serial.dialog;
  const isUsual = draft.dataBits === '8' && draft.stopBits === '1' && draft.parity === 'none' && draft.flowControl === 'none';
  const same = (of: readonly string[]) => of.map((value) => ({ value, label: value }));
  return (
    <div class="line-fields">
      <Input
        label={words.baudRate}
        fault={faults.get('baudRate')}
        inputMode="decimal"
        autocomplete="off"
        list="baud-rates"
        value={draft.baudRate}
        onInput={(event) => onChange({ baudRate: event.currentTarget.value })}
      />
      <datalist id="baud-rates">
        {BAUD_RATES.map((rate) => (
          <option key={rate} value={String(rate)} />
        ))}
      </datalist>
      <details open={!isUsual}>
        <summary>
          <Icon name="more" />
          {words.more} <span class="dim">{`${draft.dataBits}${draft.parity.charAt(0).toUpperCase()}${draft.stopBits}`}</span>
        </summary>
        <div class="fields-4">
          <Select
            label={words.dataBits}
            fault={faults.get('dataBits')}
            value={draft.dataBits}
            choices={same(['8', '7', '6', '5'])}
            onChoose={(dataBits) => onChange({ dataBits })}
          />
          <Select
            label={words.parity}
            fault={faults.get('parity')}
            value={draft.parity}
            choices={(['none', 'even', 'odd'] as const).map((value) => ({ value, label: words.parities[value] }))}
            onChoose={(parity) => onChange({ parity })}
          />
          <Select
            label={words.stopBits}
            fault={faults.get('stopBits')}
            value={draft.stopBits}
            choices={same(['1', '2'])}
            onChoose={(stopBits) => onChange({ stopBits })}
          />
          <Select
            label={words.flowControl}
            fault={faults.get('flowControl')}
            value={draft.flowControl}
            choices={(['none', 'rts-cts', 'xon-xoff'] as const).map((value) => ({ value, label: words.flows[value] }))}
            onChoose={(flowControl) => onChange({ flowControl })}
          />
        </div>
      </details>
    </div>
  );
}
