// A device's tokens: when each was made and ends, taking one away, and making a new one while the old goes on for a time.
import { useState } from 'preact/hooks';
import type { TokenView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { ConnectSteps } from '../fleet/connect-steps.tsx';
import { formatAge, formatFull } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Fault, Segments, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import type { DeviceFacts } from './use-device.ts';

const OVERLAPS = { now: 0, hour: 3600, day: 86_400 } as const;
const words = text.device.rotate;

export function TokensDialog({ id, facts, onClose }: { id: string; facts: DeviceFacts; onClose(): void }) {
  const [overlap, setOverlap] = useState<keyof typeof OVERLAPS>('hour');
  const [made, setMade] = useState<string | null>(null);
  const { isBusy, fault, run } = useAction();
  if (made !== null) {
    return (
      <Dialog title={words.madeTitle} onClose={onClose} isWide key="made">
        <div class="dialog-body">
          <ConnectSteps device={id} token={made} />
        </div>
        <footer>
          <button type="button" class="btn primary" onClick={onClose}>
            {text.done}
          </button>
        </footer>
      </Dialog>
    );
  }
  const tokens = facts.view?.tokens ?? [];
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(async () => {
            const { token } = await api.post('/v1/devices/:id/tokens', { overlapSeconds: OVERLAPS[overlap] }, { params: { id } });
            setMade(token);
            facts.refresh();
          });
        }}
      >
        <div class="dialog-body">
          <Fault>{fault}</Fault>
          {tokens.length === 0 ? <p>{words.none}</p> : null}
          <ul class="token-list" aria-label={words.title}>
            {tokens.map((token) => (
              <Token
                key={token.id}
                token={token}
                onRevoke={() =>
                  run(async () => {
                    await api.delete('/v1/devices/:id/tokens/:tokenId', { params: { id, tokenId: token.id } });
                    facts.refresh();
                  })
                }
              />
            ))}
          </ul>
          <p>{words.body}</p>
          <div class="field">
            <span class="label">{words.overlap}</span>
            <Segments
              label={words.overlap}
              choices={[
                { value: 'now', label: words.now },
                { value: 'hour', label: words.hour },
                { value: 'day', label: words.day },
              ]}
              value={overlap}
              onChange={setOverlap}
            />
          </div>
        </div>
        <footer>
          <button type="button" class="btn" onClick={onClose}>
            {text.cancel}
          </button>
          <Submit isBusy={isBusy} label={words.submit} busyLabel={text.saving} />
        </footer>
      </form>
    </Dialog>
  );
}

/** Asks once more in its own place: a device that uses this token is cut off at once. */
function Token({ token, onRevoke }: { token: TokenView; onRevoke(): void }) {
  const [isAsking, setAsking] = useState(false);
  const { id, createdAt, expiresAt } = token;
  return (
    <li data-token-id={id}>
      <span>
        <b class="mono">{id}</b>
        <small>
          {text.device.about.tokenMade(formatAge(nowMs.value - Date.parse(createdAt)))}
          {expiresAt === null ? '' : `, ${text.device.about.tokenUntil(formatFull(Date.parse(expiresAt)))}`}
        </small>
      </span>
      {isAsking ? (
        <span class="decide">
          <button type="button" class="btn small" onClick={() => setAsking(false)}>
            {text.cancel}
          </button>
          <button type="button" class="btn small danger" onClick={onRevoke}>
            {words.revokeNow}
          </button>
        </span>
      ) : (
        <button type="button" class="btn small" onClick={() => setAsking(true)}>
          {words.revoke}
        </button>
      )}
    </li>
  );
}
