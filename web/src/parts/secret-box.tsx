// A secret that is shown this once, with a button that copies it.
import type { ComponentChildren } from 'preact';
import { CopyButton } from './copy-button.tsx';

export function SecretBox({ label, secret, children }: { label: string; secret: string; children?: ComponentChildren }) {
  return (
    <div class="secret-box">
      <div>
        <span class="label">{label}</span>
        <code class="mono" data-secret>
          {secret}
        </code>
      </div>
      <CopyButton content={secret} />
      {children === undefined ? null : <p>{children}</p>}
    </div>
  );
}
