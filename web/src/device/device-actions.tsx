// What an operator can do to a device; what cannot be undone asks first and names what goes.
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import type { LiveDevice } from '../live-device.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Input, Segments, Submit } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { useAction } from '../parts/use-action.ts';
import { EditDeviceDialog } from './edit-device-dialog.tsx';
import { TokensDialog } from './tokens-dialog.tsx';
import type { DeviceFacts } from './use-device.ts';

type Open = 'edit' | 'tokens' | 'suspend' | 'remove' | null;

export function DeviceActions({ device, facts }: { device: LiveDevice; facts: DeviceFacts }) {
  const [open, setOpen] = useState<Open>(null);
  const { fleet } = useConnected();
  const { run, fault } = useAction();
  const isSuspended = device.view.status === 'suspended';
  const close = (): void => setOpen(null);
  const setStatus = async (status: 'active' | 'suspended'): Promise<void> => {
    fleet.put(await api.patch('/v1/devices/:id', { status }, { params: { id: device.id } }));
    facts.refresh();
  };
  return (
    <div class="end" role="group" aria-label={text.device.actions.label}>
      <button type="button" class="btn" onClick={() => setOpen('edit')}>
        <Icon name="edit" />
        {text.device.actions.edit}
      </button>
      <button type="button" class="btn" onClick={() => setOpen('tokens')}>
        <Icon name="key" />
        {text.device.actions.tokens}
      </button>
      <button type="button" class="btn" onClick={() => (isSuspended ? void run(() => setStatus('active')) : setOpen('suspend'))}>
        <Icon name={isSuspended ? 'play' : 'pause'} />
        {isSuspended ? text.device.actions.resume : text.device.actions.suspend}
      </button>
      <button
        type="button"
        class="btn square"
        aria-label={text.device.actions.remove}
        title={text.device.actions.remove}
        onClick={() => setOpen('remove')}
      >
        <Icon name="trash" />
      </button>
      <Fault>{fault}</Fault>
      {open === 'edit' ? <EditDeviceDialog device={device} onClose={close} onSaved={facts.refresh} /> : null}
      {open === 'tokens' ? <TokensDialog id={device.id} facts={facts} onClose={close} /> : null}
      {open === 'suspend' ? <SuspendDialog onClose={close} onSuspend={() => setStatus('suspended')} /> : null}
      {open === 'remove' ? <RemoveDialog id={device.id} onClose={close} /> : null}
    </div>
  );
}

function SuspendDialog({ onClose, onSuspend }: { onClose(): void; onSuspend(): Promise<void> }) {
  const { isBusy, fault, run } = useAction();
  return (
    <Dialog title={text.device.suspend.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await onSuspend();
            onClose();
          });
        }}
      >
        <div class="dialog-body">
          <p>{text.device.suspend.body}</p>
          <Fault>{fault}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={text.device.suspend.submit} busyLabel={text.saving} kind="danger" />
        </footer>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ id, onClose }: { id: string; onClose(): void }) {
  const { fleet } = useConnected();
  const { route } = useLocation();
  const [typed, setTyped] = useState('');
  const [what, setWhat] = useState<'keep' | 'purge'>('keep');
  const { isBusy, fault, run } = useAction();
  const words = text.device.remove;
  const query = what === 'purge' ? { purge: 'true' } : {};
  return (
    <Dialog title={words.title(id)} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed !== id) return;
          void run(async () => {
            await api.delete('/v1/devices/:id', { params: { id }, query });
            onClose();
            route('/', true);
            fleet.drop(id);
          });
        }}
      >
        <div class="dialog-body">
          <p>{words.body}</p>
          <div class="field">
            <span class="label">{words.readings}</span>
            <Segments
              label={words.readings}
              choices={[
                { value: 'keep', label: words.keep },
                { value: 'purge', label: words.purge },
              ]}
              value={what}
              onChange={setWhat}
            />
            <p>{what === 'keep' ? words.kept : words.purged}</p>
          </div>
          <Fault>{fault}</Fault>
          <Input
            label={words.confirm(id)}
            class="mono"
            autocomplete="off"
            autocapitalize="off"
            autoFocus
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit
            isBusy={isBusy}
            isDisabled={typed !== id}
            label={what === 'keep' ? words.submit : words.submitPurge}
            busyLabel={words.busy}
            kind="danger"
          />
        </footer>
      </form>
    </Dialog>
  );
}
