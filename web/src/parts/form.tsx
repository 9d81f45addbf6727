// Fields with their label, hint and fault tied together for those who hear the page.
import type { ComponentChildren, TargetedInputEvent } from 'preact';
import { useId, useState } from 'preact/hooks';
import { text } from '../i18n/en.ts';
import { Icon } from './icon.tsx';

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly fault?: string | undefined;
}
type AutoCapitalize = 'off' | 'none' | 'on' | 'sentences' | 'words' | 'characters';
export interface InputProps extends FieldProps {
  readonly value: string;
  readonly onInput: (event: TargetedInputEvent<HTMLInputElement>) => void;
  readonly name?: string;
  readonly class?: string;
  readonly autocomplete?: string;
  readonly autocapitalize?: AutoCapitalize;
  readonly autoFocus?: boolean;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly inputMode?: 'text' | 'decimal';
  readonly placeholder?: string;
  /** The id of a datalist: what is offered while one types. */
  readonly list?: string;
}

function Frame({ label, hint, fault, id, children }: FieldProps & { id: string; children: ComponentChildren }) {
  return (
    <div class={fault ? 'field is-wrong' : 'field'}>
      <label for={id}>{label}</label>
      {children}
      {fault ? (
        <p id={`${id}-note`} class="fault" role="alert">
          {fault}
        </p>
      ) : hint ? (
        <p id={`${id}-note`}>{hint}</p>
      ) : null}
    </div>
  );
}

export function Input({ label, hint, fault, list, ...rest }: InputProps) {
  const id = useId();
  return (
    <Frame label={label} hint={hint} fault={fault} id={id}>
      <input
        id={id}
        {...(list === undefined ? {} : { type: 'text' as const, list })}
        aria-invalid={fault ? 'true' : undefined}
        aria-describedby={hint || fault ? `${id}-note` : undefined}
        spellcheck={false}
        {...rest}
      />
    </Frame>
  );
}

/** Hidden while typed, shown on demand. */
export function SecretInput({ label, hint, fault, ...rest }: Omit<InputProps, 'list'>) {
  const id = useId();
  const [isShown, setShown] = useState(false);
  return (
    <Frame label={label} hint={hint} fault={fault} id={id}>
      <div class="secret">
        <input
          id={id}
          {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
          aria-invalid={fault ? 'true' : undefined}
          aria-describedby={hint || fault ? `${id}-note` : undefined}
          spellcheck={false}
          autocapitalize="off"
          {...rest}
        />
        <button type="button" aria-pressed={isShown} aria-controls={id} onClick={() => setShown(!isShown)}>
          {isShown ? text.signIn.hide : text.signIn.show}
        </button>
      </div>
    </Frame>
  );
}

interface TextAreaProps extends FieldProps {
  readonly value: string;
  readonly onInput: (event: TargetedInputEvent<HTMLTextAreaElement>) => void;
  readonly class?: string;
  readonly rows?: number;
  readonly placeholder?: string;
}
export function TextArea({ label, hint, fault, ...rest }: TextAreaProps) {
  const id = useId();
  return (
    <Frame label={label} hint={hint} fault={fault} id={id}>
      <textarea
        id={id}
        rows={3}
        aria-invalid={fault ? 'true' : undefined}
        aria-describedby={hint || fault ? `${id}-note` : undefined}
        {...rest}
      />
    </Frame>
  );
}

interface SelectProps extends FieldProps {
  readonly value: string;
  readonly choices: readonly Choice<string>[];
  readonly onChoose: (value: string) => void;
}
export function Select({ label, hint, fault, value, choices, onChoose }: SelectProps) {
  const id = useId();
  return (
    <Frame label={label} hint={hint} fault={fault} id={id}>
      <select
        id={id}
        value={value}
        aria-invalid={fault ? 'true' : undefined}
        aria-describedby={hint || fault ? `${id}-note` : undefined}
        onChange={(event) => onChoose(event.currentTarget.value)}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

/** Yes or no. */
export function Check({ label, isOn, onToggle }: { label: string; isOn: boolean; onToggle(isOn: boolean): void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={isOn} onChange={(event) => onToggle(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
}
/** One of a few, as buttons side by side. */
export function Segments<T extends string>(props: {
  label: string;
  choices: readonly Choice<NoInfer<T>>[];
  value: T;
  onChange(value: NoInfer<T>): void;
}) {
  return (
    <div class="segments" role="group" aria-label={props.label}>
      {props.choices.map(({ value, label }) => (
        <button type="button" key={value} aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {label}
        </button>
      ))}
    </div>
  );
}

export function Fault({ children }: { children: ComponentChildren }) {
  if (!children) return null;
  return (
    <p class="alert" role="alert">
      <Icon name="warn" />
      <span>{children}</span>
    </p>
  );
}

export function Submit({
  isBusy,
  label,
  busyLabel,
  kind = 'primary',
  isDisabled = false,
}: {
  isBusy: boolean;
  label: string;
  busyLabel: string;
  kind?: 'primary' | 'danger';
  isDisabled?: boolean;
}) {
  return (
    <button type="submit" class={`btn ${kind}`} disabled={isBusy || isDisabled} aria-busy={isBusy}>
      {isBusy ? busyLabel : label}
    </button>
  );
}
