// A password that somebody chooses, or (null) one that is made and shown afterwards.
import { text } from '../i18n/en.ts';
import { SecretInput, Segments } from '../parts/form.tsx';

const words = text.settings.users;

export function PasswordChoice({
  value,
  fault,
  onChange,
}: {
  value: string | null;
  fault?: string | undefined;
  onChange(value: string | null): void;
}) {
  return (
    <>
      <Segments
        label={words.how}
        choices={[
          { value: 'made', label: words.generate },
          { value: 'chosen', label: words.choose },
        ]}
        value={value === null ? 'made' : 'chosen'}
        onChange={(how) => onChange(how === 'made' ? null : (value ?? ''))}
      />
      {value === null ? null : (
        <SecretInput
          label={words.password}
          hint={text.setup.passwordHint}
          fault={fault}
          name="new-password"
          autocomplete="new-password"
          autoFocus
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </>
  );
}
