// What people say about a device: its label, tags, place and notes, and how often it should report.
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { splitTags } from '../fleet/add-device-dialog.tsx';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Input, Segments, Submit, TextArea } from '../parts/form.tsx';
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
  const { isBusy, fault, fieldFault, run } = useAction();
  const words = text.device.edit;
  const seconds = expect.trim() === '' ? null : Number(expect);
  const isExpectBad = seconds !== null && !(Number.isFinite(seconds) && seconds > 0);
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (isExpectBad) return;
          void run(async () => {
            const patch = {
              label: label.trim(),
              tags: splitTags(tags),
              location: location.trim(),
              notes: notes.trim(),
              expectEverySeconds: seconds,
              clock,
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
            hint={words.expectHint}
            fault={isExpectBad ? words.expectBad : fieldFault('expectEverySeconds')}
            inputMode="decimal"
            autocomplete="off"
            value={expect}
            onInput={(event) => setExpect(event.currentTarget.value)}
          />
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
