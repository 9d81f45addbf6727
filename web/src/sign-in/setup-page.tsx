// The one-time code makes an administrator, who is signed in at once: on a first run the one from the log, later one that was asked for.
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Fault, Input, SecretInput, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { info, signIn } from '../session.ts';
import { SignInFrame } from './frame.tsx';

export function SetupPage() {
  const [setupCode, setCode] = useState('');
  const [user, setUser] = useState('admin');
  const [password, setPassword] = useState('');
  const { isBusy, fault, fieldFault, run } = useAction();
  const isNew = info.value?.isNew === true;
  const sentence = (error: ApiError): string | undefined => {
    if (error.status === 0) return text.signIn.unreachable;
    return error.status === 401 || error.status === 404 ? text.setup.wrong : undefined;
  };
  return (
    <SignInFrame title={text.setup.title} lede={isNew ? text.setup.lede : text.setup.ledeAgain}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => signIn({ setupCode: setupCode.trim(), user: user.trim(), password }), sentence);
        }}
      >
        <Fault>{fault}</Fault>
        <Input
          label={text.setup.code}
          hint={isNew ? text.setup.codeHint : text.setup.codeHintAgain}
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
      <p class="other-way">
        <a class="text-link" href="/signin">
          {text.setup.signIn}
        </a>
      </p>
    </SignInFrame>
  );
}
