// A token shown once, a checklist that turns green as the device gets through, and what to run on it.
import { useEffect, useState } from 'preact/hooks';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Segments } from '../parts/form.tsx';
import { Checklist } from './checklist.tsx';
import { SNIPPETS, snippet } from './snippets.ts';
import type { SnippetName } from './snippets.ts';
import '../styles/connect.css';

export function ConnectSteps({ device, token }: { device: string; token: string }) {
  const [name, setName] = useState<SnippetName>('curl');
  const [caPem, setCaPem] = useState<string | null>(null);
  useEffect(() => {
    // the authority is served only where the gateway made its certificate itself
    if (location.protocol !== 'https:') return;
    fetch('/ca.crt').then(
      async (answer) => setCaPem(answer.ok ? await answer.text() : null),
      () => setCaPem(null),
    );
  }, []);
  const code = snippet(name, { device, token, origin: location.origin, caPem });
  return (
    <div class="connect">
      <div class="token-box">
        <div>
          <span class="label">{text.add.token}</span>
          <code class="mono" data-token>
            {token}
          </code>
        </div>
        <CopyButton content={token} />
        <p>{text.add.tokenOnce}</p>
      </div>
      <Checklist device={device} />
      <div class="snippets">
        <h3>{text.add.snippets}</h3>
        <div class="snippets-head">
          <Segments
            label={text.add.snippets}
            choices={SNIPPETS.map((value) => ({ value, label: text.add.snippet[value] }))}
            value={name}
            onChange={setName}
          />
          <CopyButton content={code} />
        </div>
        <pre tabIndex={0} aria-label={text.add.snippet[name]} dir="ltr">
          <code>{code}</code>
        </pre>
        {caPem === null ? null : (
          <a class="text-link" href="/ca.crt" download>
            {text.add.caLink}
          </a>
        )}
      </div>
    </div>
  );
}
