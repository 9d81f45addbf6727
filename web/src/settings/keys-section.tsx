// API keys for machines and wall displays; a viewer's comes with a link that opens the fleet.
import { useState } from 'preact/hooks';
import type { IssuedKey, KeyView, Role } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Input } from '../parts/form.tsx';
import { SecretBox } from '../parts/secret-box.tsx';
import { AskDialog, MadeDialog } from './ask-dialog.tsx';
import { RoleChoice } from './role-choice.tsx';
import { AddButton, Loaded, Section } from './section.tsx';
import { useAnswer } from './use-answer.ts';

const words = text.settings.keys;

export function KeysSection() {
  const answer = useAnswer(() => api.get('/v1/keys'));
  const [isAdding, setAdding] = useState(false);
  const [made, setMade] = useState<IssuedKey | null>(null);
  const [going, setGoing] = useState<KeyView | null>(null);
  const keys = answer.value?.items ?? [];
  const add = <AddButton label={words.add} onClick={() => setAdding(true)} />;
  return (
    <Section name="keys" lede={words.lede} end={keys.length > 0 ? add : undefined}>
      <Loaded answer={answer}>
        {() =>
          keys.length === 0 ? (
            <Empty {...words.empty}>{add}</Empty>
          ) : (
            <ul class="panel set-list">
              {keys.map((key) => (
                <li key={key.id} data-key={key.name}>
                  <span class="what">
                    <b>
                      <bdi>{key.name}</bdi>
                    </b>
                  </span>
                  <span class="tag role" data-role={key.role}>
                    {text.nav.role[key.role]}
                  </span>
                  <span class="age">{text.settings.added(formatAge(nowMs.value - Date.parse(key.createdAt)))}</span>
                  <div class="acts" role="group" aria-label={text.settings.actions(key.name)}>
                    <button type="button" class="btn small" onClick={() => setGoing(key)}>
                      {words.revoke}
                    </button>
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {isAdding ? (
        <KeyAddDialog
          onClose={() => setAdding(false)}
          onMade={(key) => {
            setAdding(false);
            answer.refresh();
            setMade(key);
          }}
        />
      ) : null}
      {made === null ? null : (
        <MadeDialog title={words.madeTitle(made.name)} onClose={() => setMade(null)}>
          <SecretBox label={text.signIn.key} secret={made.key}>
            {text.settings.once}
          </SecretBox>
          {made.role === 'viewer' ? (
            <SecretBox label={words.kiosk} secret={`${location.origin}/?kiosk#key=${made.key}`}>
              {words.kioskHint}
            </SecretBox>
          ) : null}
        </MadeDialog>
      )}
      {going === null ? null : (
        <AskDialog
          title={words.revokeTitle(going.name)}
          submit={words.revoke}
          onClose={() => setGoing(null)}
          work={async () => {
            await api.delete('/v1/keys/:id', { params: { id: going.id } });
            setGoing(null);
            answer.refresh();
          }}
        >
          <p>{words.revokeBody}</p>
        </AskDialog>
      )}
    </Section>
  );
}

function KeyAddDialog({ onClose, onMade }: { onClose(): void; onMade(key: IssuedKey): void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  return (
    <AskDialog
      title={words.add}
      submit={words.add}
      kind="primary"
      onClose={onClose}
      work={async () => onMade(await api.post('/v1/keys', { name: name.trim(), role }))}
    >
      <Input
        label={text.settings.name}
        name="key-name"
        autocomplete="off"
        autoFocus
        maxLength={64}
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <RoleChoice value={role} onChange={setRole} />
    </AskDialog>
  );
}
