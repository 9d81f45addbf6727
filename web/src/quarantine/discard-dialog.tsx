// Asks before rows of quarantine are deleted, and names what goes.
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';

interface DiscardDialogProps {
  readonly title: string;
  /** Which rows, in a sentence. */
  readonly what: string;
  readonly discard: () => Promise<void>;
  readonly onClose: () => void;
}

export function DiscardDialog({ title, what, discard, onClose }: DiscardDialogProps) {
  const action = useAction();
  const words = text.quarantine;
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(async () => {
            await discard();
            onClose();
          });
        }}
      >
        <div class="dialog-body">
          <p>
            <bdi>{what}</bdi>
          </p>
          <p>{words.confirm.body}</p>
          <Fault>{action.fault}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={action.isBusy} label={words.discard} busyLabel={text.saving} kind="danger" />
        </footer>
      </form>
    </Dialog>
  );
}
