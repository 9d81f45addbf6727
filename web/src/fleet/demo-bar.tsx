// The simulated fleet: a button that starts it where there is nothing to see yet, and a line that says it is there and takes it away.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { DemoView } from '../../../gateway/protocol/rest.ts';
import { ApiError, api } from '../api.ts';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Submit } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { useAction } from '../parts/use-action.ts';
import { may } from '../session.ts';

const ASK_EVERY_MS = 1000;
const words = text.demo;
/** As the gateway told it last. */
const demo = signal<DemoView | null>(null);
const isMoving = (view: DemoView | null): boolean => view?.state === 'starting' || view?.state === 'removing';

/** Knows whether there is one, and while it comes or goes how far it is. */
export function useDemo(): DemoView | null {
  const { fleet } = useConnected();
  const isWatched = isMoving(demo.value);
  useEffect(() => {
    const ask = async (): Promise<void> => {
      try {
        const told = await api.get('/v1/demo');
        if (isMoving(demo.peek()) && !isMoving(told)) void fleet.load();
        demo.value = told;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
    };
    void ask();
    const timer = isWatched ? setInterval(ask, ASK_EVERY_MS) : undefined;
    return () => clearInterval(timer);
  }, [fleet, isWatched]);
  return demo.value;
}

export function StartDemo() {
  const { fleet } = useConnected();
  const { isBusy, fault, run } = useAction();
  if (demo.value === null || demo.value.state !== 'off') return null;
  return (
    <>
      <button
        type="button"
        class="btn"
        disabled={isBusy}
        onClick={() =>
          run(async () => {
            demo.value = await api.post('/v1/demo', undefined);
            void fleet.load();
          })
        }
      >
        <Icon name="play" />
        {words.start}
      </button>
      <Fault>{fault}</Fault>
    </>
  );
}

export function DemoBar() {
  const [isAsking, setAsking] = useState(false);
  const view = useDemo();
  if (view === null || view.state === 'off') return null;
  return (
    <div class="demo-bar" role="status">
      <p>
        <b>{words.bar(view.devices)}</b> {words.states[view.state]}
      </p>
      {may('operator') && view.state !== 'removing' ? (
        <button type="button" class="btn small" onClick={() => setAsking(true)}>
          {words.remove}
        </button>
      ) : null}
      {isAsking ? <RemoveDemo devices={view.devices} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

function RemoveDemo({ devices, onClose }: { devices: number; onClose(): void }) {
  const { fleet } = useConnected();
  const { isBusy, fault, run } = useAction();
  return (
    <Dialog title={words.ask} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            await api.delete('/v1/demo');
            demo.value = { state: 'off', devices: 0 };
            onClose();
            await fleet.load();
          });
        }}
      >
        <div class="dialog-body">
          <p>{words.goes(devices)}</p>
          <Fault>{fault}</Fault>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={words.remove} busyLabel={words.removing} kind="danger" />
        </footer>
      </form>
    </Dialog>
  );
}
