// What people say about a device: its label, tags, place and notes, and how often it should report.
import { useState } from 'preact/hooks';
import type { DevicePatch } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { splitTags } from '../fleet/split-tags.ts';
import { formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Check, Fault, Input, Segments, Submit, TextArea } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';

export function EditDeviceDialog({ device, onClose, onSaved }: { device: LiveDevice; onClose(): void; onSaved(): void }) {
  const { fleet } = useConnected();
  const { view } = device;
  const [label, setLabel] = useState(view.label);
  const [tags, setTags] = useState(view.tags.join(', '));
  const [location, setLocation] = useState(view.location);
  const [notes, setNotes] = useState(view.notes);
  const [expect, setExpect] = useState(view.expectEverySeconds === null ? '' : String(view.expectEverySeconds));
  const [clock, setClock] = useState(view.clock);
  const [maySleep, setMaySleep] = useState(view.maySleep);
  const [ping, setPing] = useState(view.pingSeconds === null ? '' : String(view.pingSeconds));
  const { isBusy, fault, fieldFault, run } = useAction();
  const words = text.device.edit;
  const seconds = expect.trim() === '' ? null : Number(expect);
  const pingSeconds = ping.trim() === '' ? null : Number(ping);
  const isPingBad = pingSeconds !== null && !(pingSeconds >= 1 && pingSeconds <= 300);
  const seen = view.seenEveryMs === null ? '' : `, ${formatSpan(Number(view.seenEveryMs.toPrecision(2)))}`;
  const isExpectBad = seconds !== null && !(Number.isFinite(seconds) && seconds > 0);
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (isExpectBad || isPingBad) return;
          void run(async () => {
            const patch: DevicePatch = {
              label: label.trim(),
              tags: splitTags(tags),
              location: location.trim(),
              notes: notes.trim(),
              expectEverySeconds: seconds,
              clock,
              maySleep,
              pingSeconds,
            };
            fleet.put(await api.patch('/v1/devices/:id', patch, { params: { id: view.id } }));
            onSaved();
            onClose();
          });
        }}
      >
        <div class="dialog-body">
          <Fault>{fault}</Fault>
          <Input
            label={text.add.label}
            fault={fieldFault('label')}
            autocomplete="off"
            value={label}
            onInput={(event) => setLabel(event.currentTarget.value)}
          />
          <Input
            label={text.add.tags}
            hint={text.add.tagsHint}
            fault={fieldFault('tags')}
            autocomplete="off"
            value={tags}
            onInput={(event) => setTags(event.currentTarget.value)}
          />
          <Input
            label={words.location}
            fault={fieldFault('location')}
            autocomplete="off"
            value={location}
            onInput={(event) => setLocation(event.currentTarget.value)}
          />
          <Input
            label={words.expect}
            hint={words.expectHint(seen)}
            fault={isExpectBad ? words.expectBad : fieldFault('expectEverySeconds')}
            inputMode="decimal"
            autocomplete="off"
            value={expect}
            onInput={(event) => setExpect(event.currentTarget.value)}
          />
          <Check label={words.sleep} isOn={maySleep} onToggle={setMaySleep} />
          <div class="field">
            <span class="label">{words.clock}</span>
            <Segments
              label={words.clock}
              choices={[
                { value: 'device', label: words.clockDevice },
                { value: 'gateway', label: words.clockGateway },
              ]}
              value={clock}
              onChange={setClock}
            />
          </div>
          <Input
            label={words.ping}
            hint={words.pingHint}
            fault={isPingBad ? words.pingBad : fieldFault('pingSeconds')}
            inputMode="decimal"
            autocomplete="off"
            value={ping}
            onInput={(event) => setPing(event.currentTarget.value)}
          />
          <TextArea label={words.notes} value={notes} onInput={(event) => setNotes(event.currentTarget.value)} />
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={text.save} busyLabel={text.saving} />
        </footer>
      </form>
    </Dialog>
  );
}
