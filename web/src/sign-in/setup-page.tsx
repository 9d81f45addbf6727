// First run: the one-time code from the log makes the first administrator, who is signed in at once.
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Fault, Input, SecretInput, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { signIn } from '../session.ts';
import { SignInFrame } from './frame.tsx';

export function SetupPage() {
  const [setupCode, setCode] = useState('');
  const [user, setUser] = useState('admin');
  const [password, setPassword] = useState('');
  const { isBusy, fault, fieldFault, run } = useAction();
  const sentence = (error: ApiError): string | undefined => {
    if (error.status === 0) return text.signIn.unreachable;
    return error.status === 401 || error.status === 404 ? text.setup.wrong : undefined;
  };
  return (
    <SignInFrame title={text.setup.title} lede={text.setup.lede}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => signIn({ setupCode: setupCode.trim(), user: user.trim(), password }), sentence);
        }}
      >
        <Fault>{fault}</Fault>
        <Input
          label={text.setup.code}
          hint={text.setup.codeHint}
          fault={fieldFault('setupCode')}
          class="mono"
          name="setup-code"
          autocomplete="one-time-code"
          autocapitalize="off"
          required
          value={setupCode}
          onInput={(event) => setCode(event.currentTarget.value)}
        />
        <Input
          label={text.setup.user}
          fault={fieldFault('user')}
          name="user"
          autocomplete="username"
          autocapitalize="off"
          required
          value={user}
          onInput={(event) => setUser(event.currentTarget.value)}
        />
        <SecretInput
          label={text.setup.password}
          hint={text.setup.passwordHint}
          fault={fieldFault('password')}
          name="password"
          autocomplete="new-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
        <Submit isBusy={isBusy} label={text.setup.submit} busyLabel={text.setup.busy} />
      </form>
    </SignInFrame>
  );
}
