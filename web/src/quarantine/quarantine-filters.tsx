// Which rows are shown: of a device, of a reason, with a text in what was sent.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { QuarantineSizeView } from '../../../gateway/protocol/rest.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import type { QuarantineQuery } from './quarantine-query.ts';
import { codeWords } from './refusal-words.ts';

interface FiltersProps {
  readonly query: QuarantineQuery;
  readonly size: QuarantineSizeView | null;
  readonly onChange: (next: Partial<QuarantineQuery>) => void;
  readonly children: ComponentChildren;
}
const PAUSE_MS = 300;

export function QuarantineFilters({ query, size, onChange, children }: FiltersProps) {
  const words = text.quarantine;
  const [sought, setSought] = useState(query.text);
  useEffect(() => setSought(query.text), [query.text]);
  useEffect(() => {
    if (sought === query.text) return;
    const timer = setTimeout(() => onChange({ text: sought }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [sought]);
  const devices = (size?.devices ?? []).map(({ device, rows }) => ({ value: device, rows }));
  const codes = (size?.codes ?? []).map(({ code, rows }) => ({ value: code, rows }));
  return (
    <div class="filters refused-filters">
      <Choice
        label={words.device}
        any={words.anyDevice}
        value={query.device}
        of={devices}
        name={(id) => id}
        onChoose={(device) => onChange({ device })}
      />
      <Choice
        label={words.code}
        any={words.anyCode}
        value={query.code}
        of={codes}
        name={codeWords}
        onChoose={(code) => onChange({ code })}
      />
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={sought}
        onInput={(event) => setSought(event.currentTarget.value)}
        autocomplete="off"
        spellcheck={false}
      />
      <span class="end">{children}</span>
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly any: string;
  readonly value: string;
  readonly of: readonly { readonly value: string; readonly rows: number }[];
  readonly name: (value: string) => string;
  readonly onChoose: (value: string) => void;
}

function Choice({ label, any, value, of, name, onChoose }: ChoiceProps) {
  // one that has no rows any more stays chosen
  const isGone = value !== '' && !of.some((one) => one.value === value);
  return (
    <select aria-label={label} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
      <option value="">{any}</option>
      {isGone ? <option value={value}>{name(value)}</option> : null}
      {of.map((one) => (
        <option key={one.value} value={one.value}>
          {text.quarantine.option(name(one.value), formatNumber(one.rows))}
        </option>
      ))}
    </select>
  );
}
