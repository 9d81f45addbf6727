// One of the three roles, each with what it may do.
import { useId } from 'preact/hooks';
import type { Role } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

export function RoleChoice({ value, onChange }: { value: Role; onChange(role: Role): void }) {
  const name = useId();
  return (
    <fieldset class="roles">
      <legend>{text.settings.role}</legend>
      {ROLES.map((role) => (
        <label key={role}>
          <input type="radio" name={name} value={role} checked={role === value} onChange={() => onChange(role)} />
          <span>
            <b>{text.nav.role[role]}</b>
            <small>{text.settings.roles[role]}</small>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
