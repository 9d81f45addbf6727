// Signing in by name and password, or by API key.
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { text } from '../i18n/en.ts';
import { Fault, Input, SecretInput, Segments, Submit } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { info, signIn } from '../session.ts';
import { SignInFrame } from './frame.tsx';

type How = 'password' | 'key';

export function SignInPage({ notice }: { notice: string }) {
  const [how, setHow] = useState<How>('password');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [key, setKey] = useState('');
  const { isBusy, fault, run } = useAction();
  const sentence = (error: ApiError): string | undefined => {
    if (error.status === 0) return text.signIn.unreachable;
    if (error.status !== 401) return undefined;
    return how === 'key' ? text.signIn.wrongKey : text.signIn.wrong;
  };
  return (
    <SignInFrame title={text.signIn.title} lede={text.signIn.lede}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => signIn(how === 'key' ? { key: key.trim() } : { user, password }), sentence);
        }}
      >
        {notice !== '' && fault === '' ? (
          <p class="notice" role="status">
            {notice}
          </p>
        ) : null}
        <Fault>{fault}</Fault>
        <Segments
          label={text.signIn.how}
          choices={[
            { value: 'password', label: text.signIn.password },
            { value: 'key', label: text.signIn.key },
          ]}
          value={how}
          onChange={setHow}
        />
        {how === 'password' ? (
          <>
            <Input
              label={text.signIn.user}
              autoFocus
              name="user"
              autocomplete="username"
              autocapitalize="off"
              required
              value={user}
              onInput={(event) => setUser(event.currentTarget.value)}
            />
            <SecretInput
              label={text.signIn.password}
              name="password"
              autocomplete="current-password"
              required
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          </>
        ) : (
          <SecretInput
            label={text.signIn.key}
            hint={text.signIn.keyHint}
            name="key"
            autocomplete="off"
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        )}
        <Submit isBusy={isBusy} label={text.signIn.submit} busyLabel={text.signIn.busy} />
      </form>
      {info.value?.setupOpen === true ? (
        <p class="other-way">
          {text.signIn.setupOpen}{' '}
          <a class="text-link" href="/setup">
            {text.signIn.setup}
          </a>
        </p>
      ) : null}
    </SignInFrame>
  );
}
