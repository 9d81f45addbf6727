// The frame of a section: its heading with what it is for, and its contents once the gateway has answered.
import type { ComponentChildren } from 'preact';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icon.tsx';
import type { SectionName } from './settings-query.ts';
import type { Answer } from './use-answer.ts';

export function Section({
  name,
  lede,
  end,
  children,
}: {
  name: SectionName;
  lede: string;
  end?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="set-section" aria-labelledby={`section-${name}`} data-section={name}>
      <header>
        <div>
          <h2 id={`section-${name}`}>{text.settings.sections[name]}</h2>
          <p>{lede}</p>
        </div>
        {end === undefined ? null : <div class="end">{end}</div>}
      </header>
      {children}
    </section>
  );
}

export function Loaded<T>({ answer, children }: { answer: Answer<T>; children: (value: T) => ComponentChildren }) {
  const { value, fault, refresh } = answer;
  if (value !== null) return <>{children(value)}</>;
  if (fault === '') return <div class="skeleton" role="status" aria-label={text.loading} />;
  return (
    <Empty title={text.settings.loadFailed} body={fault}>
      <button type="button" class="btn" onClick={refresh}>
        {text.settings.again}
      </button>
    </Empty>
  );
}

export function AddButton({ label, onClick, isMain = true }: { label: string; onClick(): void; isMain?: boolean }) {
  return (
    <button type="button" class={isMain ? 'btn primary' : 'btn'} onClick={onClick}>
      <Icon name="plus" />
      {label}
    </button>
  );
}

/** Where a value is set that cannot be changed here. */
export function FixedNote({ source }: { source: string }) {
  return (
    <p class="notice" data-fixed>
      <span>{text.settings.fixed(source)}</span>
    </p>
  );
}
