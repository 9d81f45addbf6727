// The people who may sign in: their roles and passwords.
import { useState } from 'preact/hooks';
import type { Role, UserView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { nowMs } from '../clock.ts';
import { formatAge } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Fault } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { SecretBox } from '../parts/secret-box.tsx';
import { phase } from '../session.ts';
import { AskDialog, MadeDialog } from './ask-dialog.tsx';
import { makePassword } from './made-password.ts';
import { PasswordChoice } from './password-choice.tsx';
import { RoleChoice } from './role-choice.tsx';
import { AddButton, Loaded, Section } from './section.tsx';
import { useAnswer } from './use-answer.ts';
import { UserAddDialog } from './user-add-dialog.tsx';

const words = text.settings.users;
type Open = { readonly what: 'add' } | { readonly what: 'role' | 'password' | 'remove'; readonly user: UserView };

export function UsersSection() {
  const answer = useAnswer(() => api.get('/v1/users'));
  const [open, setOpen] = useState<Open | null>(null);
  const [made, setMade] = useState<{ name: string; password: string } | null>(null);
  const close = (): void => setOpen(null);
  const onDone = (name: string, password: string | null): void => {
    close();
    answer.refresh();
    if (password !== null) setMade({ name, password });
  };
  const users = answer.value?.items ?? [];
  const add = <AddButton label={words.add} onClick={() => setOpen({ what: 'add' })} />;
  return (
    <Section name="users" lede={words.lede} end={users.length > 0 ? add : undefined}>
      <Loaded answer={answer}>
        {() =>
          users.length === 0 ? (
            <Empty {...words.empty}>{add}</Empty>
          ) : (
            <ul class="panel set-list">
              {users.map((user) => (
                <UserRow key={user.name} user={user} onOpen={(what) => setOpen({ what, user })} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {open?.what === 'add' ? <UserAddDialog onClose={close} onDone={onDone} /> : null}
      {open?.what === 'role' ? <RoleDialog user={open.user} users={users} onClose={close} onDone={onDone} /> : null}
      {open?.what === 'password' ? <PasswordDialog user={open.user} onClose={close} onDone={onDone} /> : null}
      {open?.what === 'remove' ? <RemoveDialog user={open.user} users={users} onClose={close} onDone={onDone} /> : null}
      {made === null ? null : (
        <MadeDialog title={words.madeTitle(made.name)} onClose={() => setMade(null)}>
          <SecretBox label={words.password} secret={made.password}>
            {text.settings.once}
          </SecretBox>
        </MadeDialog>
      )}
    </Section>
  );
}

function isSelf(name: string): boolean {
  return phase.value.kind === 'in' && phase.value.session.kind === 'user' && phase.value.session.user === name;
}
const isLastAdmin = (user: UserView, users: readonly UserView[]): boolean =>
  user.role === 'admin' && users.filter(({ role }) => role === 'admin').length === 1;

function UserRow({ user, onOpen }: { user: UserView; onOpen(what: 'role' | 'password' | 'remove'): void }) {
  return (
    <li data-user={user.name}>
      <span class="what">
        <b>
          <bdi>{user.name}</bdi>
        </b>
        {isSelf(user.name) ? <span class="tag">{text.settings.you}</span> : null}
      </span>
      <span class="tag role" data-role={user.role}>
        {text.nav.role[user.role]}
      </span>
      <span class="age">{text.settings.added(formatAge(nowMs.value - Date.parse(user.createdAt)))}</span>
      <div class="acts" role="group" aria-label={text.settings.actions(user.name)}>
        <button type="button" class="btn small" onClick={() => onOpen('role')}>
          {words.setRole}
        </button>
        <button type="button" class="btn small" onClick={() => onOpen('password')}>
          {words.setPassword}
        </button>
        <button type="button" class="btn small square" aria-label={words.remove} title={words.remove} onClick={() => onOpen('remove')}>
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}

interface UserDialogProps {
  readonly user: UserView;
  readonly onClose: () => void;
  readonly onDone: (name: string, password: string | null) => void;
}

function RoleDialog({ user, users, onClose, onDone }: UserDialogProps & { users: readonly UserView[] }) {
  const [role, setRole] = useState<Role>(user.role);
  const isLast = isLastAdmin(user, users);
  return (
    <AskDialog
      title={`${words.setRole}: ${user.name}`}
      submit={text.save}
      kind="primary"
      isRefused={isLast}
      onClose={onClose}
      work={async () => {
        await api.patch('/v1/users/:name', { role }, { params: { name: user.name } });
        onDone(user.name, null);
      }}
    >
      {isLast ? (
        <Fault>{words.last(user.name)}</Fault>
      ) : (
        <>
          <RoleChoice value={role} onChange={setRole} />
          <p>{words.roleBody}</p>
          {isSelf(user.name) && role !== user.role ? <Fault>{words.self}</Fault> : null}
        </>
      )}
    </AskDialog>
  );
}

function PasswordDialog({ user, onClose, onDone }: UserDialogProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <AskDialog
      title={`${words.setPassword}: ${user.name}`}
      submit={text.save}
      kind="primary"
      onClose={onClose}
      work={async () => {
        const password = chosen ?? makePassword();
        await api.patch('/v1/users/:name', { password }, { params: { name: user.name } });
        onDone(user.name, chosen === null ? password : null);
      }}
    >
      <p>{words.passwordBody(user.name)}</p>
      <PasswordChoice value={chosen} onChange={setChosen} />
      {isSelf(user.name) ? <Fault>{words.self}</Fault> : null}
    </AskDialog>
  );
}

function RemoveDialog({ user, users, onClose, onDone }: UserDialogProps & { users: readonly UserView[] }) {
  const isLast = isLastAdmin(user, users);
  return (
    <AskDialog
      title={words.removeTitle(user.name)}
      submit={words.remove}
      isRefused={isLast}
      onClose={onClose}
      work={async () => {
        await api.delete('/v1/users/:name', { params: { name: user.name } });
        onDone(user.name, null);
      }}
    >
      {isLast ? <Fault>{words.last(user.name)}</Fault> : <p>{words.removeBody}</p>}
      {!isLast && isSelf(user.name) ? <Fault>{words.self}</Fault> : null}
    </AskDialog>
  );
}
