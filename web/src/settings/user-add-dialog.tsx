// A user to be added: name, role, and a password that is chosen or made.
import { useState } from 'preact/hooks';
import type { Role } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Input } from '../parts/form.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { makePassword } from './made-password.ts';
import { PasswordChoice } from './password-choice.tsx';
import { RoleChoice } from './role-choice.tsx';

const words = text.settings.users;

export function UserAddDialog({ onClose, onDone }: { onClose(): void; onDone(name: string, password: string | null): void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <AskDialog
      title={words.add}
      submit={words.add}
      kind="primary"
      onClose={onClose}
      work={async () => {
        const password = chosen ?? makePassword();
        const made = await api.post('/v1/users', { name: name.trim(), role, password });
        onDone(made.name, chosen === null ? password : null);
      }}
    >
      <Input
        label={text.settings.name}
        name="user"
        autocomplete="off"
        autocapitalize="off"
        autoFocus
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <RoleChoice value={role} onChange={setRole} />
      <PasswordChoice value={chosen} onChange={setChosen} />
    </AskDialog>
  );
}
