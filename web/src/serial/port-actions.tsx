// What an admin can do to a port that was added here, and an operator with any: try its rule on other bytes.
import { useState } from 'preact/hooks';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Submit } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { useAction } from '../parts/use-action.ts';
import { may } from '../session.ts';
import { PortDialog } from './port-dialog.tsx';
import { writeSerialQuery } from './serial-query.ts';

interface PortActionsProps {
  readonly port: SerialPortView;
  readonly onChanged: () => void;
}

export function PortActions({ port, onChanged }: PortActionsProps) {
  const [open, setOpen] = useState<'edit' | 'remove' | null>(null);
  const close = (): void => setOpen(null);
  const { settings } = port;
  const isOurs = port.origin === 'console' && settings !== null && may('admin');
  if (!may('operator')) return null;
  return (
    <div class="port-actions" role="group" aria-label={text.serial.actions}>
      {settings?.rule == null ? null : (
        <a class="btn" href={writeSerialQuery({ view: 'workbench', port: port.id })}>
          <Icon name="bench" />
          {text.serial.tryRule}
        </a>
      )}
      {isOurs ? (
        <>
          <button type="button" class="btn" onClick={() => setOpen('edit')}>
            <Icon name="edit" />
            {text.serial.edit}
          </button>
          <button
            type="button"
            class="btn square"
            aria-label={text.serial.remove}
            title={text.serial.remove}
            onClick={() => setOpen('remove')}
          >
            <Icon name="trash" />
          </button>
        </>
      ) : null}
      {open === 'edit' && isOurs ? <PortDialog id={port.id} settings={settings} onClose={close} onSaved={onChanged} /> : null}
      {open === 'remove' ? <RemoveDialog port={port} onClose={close} onRemoved={onChanged} /> : null}
    </div>
  );
}

function RemoveDialog({ port, onClose, onRemoved }: { port: SerialPortView; onClose(): void; onRemoved(): void }) {
  const { isBusy, fault, run } = useAction();
  const words = text.serial.removal;
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await api.delete('/v1/serial/:id', { params: { id: port.id } });
            onClose();
            onRemoved();
          });
        }}
      >
        <div class="dialog-body">
          <p class="mono going">
            <bdi>{port.path}</bdi>
          </p>
          <p>{words.body(port.device)}</p>
          <Fault>{fault}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={words.submit} busyLabel={text.saving} kind="danger" />
        </footer>
      </form>
    </Dialog>
  );
}
