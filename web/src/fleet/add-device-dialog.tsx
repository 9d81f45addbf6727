// Adding a device: its id, then its token with all that is needed to send a first reading.
import { useEffect, useState } from 'preact/hooks';
import { DEVICE_ID } from '../../../gateway/protocol/messages.ts';
import { api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Input, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { ConnectSteps } from './connect-steps.tsx';
import { splitTags } from './split-tags.ts';

export function AddDeviceDialog({ onClose }: { onClose(): void }) {
  const { fleet } = useConnected();
  const [made, setMade] = useState<{ id: string; token: string } | null>(null);
  // an empty fleet is not followed yet when the first device is added from a fresh page
  useEffect(() => () => void fleet.load(), [fleet]);
  if (made === null) {
    return (
      <Dialog title={text.add.title} onClose={onClose}>
        <AddForm
          onCancel={onClose}
          onMade={(id, token) => {
            setMade({ id, token });
          }}
        />
      </Dialog>
    );
  }
  return (
    <Dialog title={text.add.tokenTitle(made.id)} onClose={onClose} isWide key="made">
      <div class="dialog-body">
        <ConnectSteps device={made.id} token={made.token} />
      </div>
      <footer>
        <a class="btn" href={`/devices/${encodeURIComponent(made.id)}`}>
          {text.add.open}
        </a>
        <button type="button" class="btn primary" onClick={onClose}>
          {text.done}
        </button>
      </footer>
    </Dialog>
  );
}

function AddForm({ onCancel, onMade }: { onCancel(): void; onMade(id: string, token: string): void }) {
  const { fleet } = useConnected();
  const [id, setId] = useState('');
  const [label, setLabel] = useState('');
  const [tags, setTags] = useState('');
  const [isTried, setTried] = useState(false);
  const { isBusy, fault, fieldFault, run } = useAction();
  const isIdGood = DEVICE_ID.test(id);
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!isIdGood) return;
        void run(
          async () => {
            const { token, ...view } = await api.post('/v1/devices', { id, label: label.trim(), tags: splitTags(tags) });
            fleet.put(view);
            onMade(id, token);
          },
          (error) => (error.code === 'exists' ? text.add.exists : undefined),
        );
      }}
    >
      <div class="dialog-body">
        <Fault>{fault}</Fault>
        <Input
          label={text.add.id}
          hint={text.add.idHint}
          fault={isTried && !isIdGood ? text.add.idBad : fieldFault('id')}
          class="mono"
          name="id"
          autocomplete="off"
          autocapitalize="off"
          autoFocus
          maxLength={64}
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
        />
        <Input
          label={text.add.label}
          hint={text.add.labelHint}
          fault={fieldFault('label')}
          name="label"
          autocomplete="off"
          value={label}
          onInput={(event) => setLabel(event.currentTarget.value)}
        />
        <Input
          label={text.add.tags}
          hint={text.add.tagsHint}
          fault={fieldFault('tags')}
          name="tags"
          autocomplete="off"
          value={tags}
          onInput={(event) => setTags(event.currentTarget.value)}
        />
      </div>
      <footer>
        <button type="button" class="btn" onClick={onCancel}>
          {text.cancel}
        </button>
        <Submit isBusy={isBusy} label={text.add.submit} busyLabel={text.add.busy} />
      </footer>
    </form>
  );
}
