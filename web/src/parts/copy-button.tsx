// Copies a text and says so. Where the clipboard is not given (plain http on a LAN) the text is selected and copied the older way.
import { useEffect, useState } from 'preact/hooks';
import { text } from '../i18n/en.ts';
import { Icon } from './icon.tsx';

/** False: this browser gives no clipboard. */
export async function copyText(content: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(content);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = content;
    area.className = 'off-screen';
    const parent = document.querySelector('dialog[open]') ?? document.body;
    parent.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
  }
}

export function CopyButton({ content, label = text.copy }: { content: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <button type="button" class={isCopied ? 'btn small is-done' : 'btn small'} onClick={async () => setCopied(await copyText(content))}>
      <Icon name={isCopied ? 'check' : 'copy'} />
      <span aria-live="polite">{isCopied ? text.copied : label}</span>
    </button>
  );
}
