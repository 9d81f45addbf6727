// The fields of a framing or a rule: its kind, then what that kind needs. Faults of the gateway stand at the field they are about.
import { text } from '../i18n/en.ts';
import { Check, Input, Select } from '../parts/form.tsx';
import { choicesOf } from './port-words.ts';
import { SettingRows } from './setting-rows.tsx';
import type { PartDraft, Written } from './setting-draft.ts';
import { listWritten, textWritten, withKind } from './setting-draft.ts';
import type { Faults } from './setting-faults.ts';
import type { FieldSpec, Specs } from './setting-specs.ts';

export interface SettingFieldsProps {
  readonly part: 'framing' | 'rule';
  readonly draft: PartDraft;
  readonly specs: Specs;
  readonly faults: Faults;
  readonly onChange: (draft: PartDraft) => void;
}

export function SettingFields({ part, draft, specs, faults, onChange }: SettingFieldsProps) {
  const words = text.serial;
  const names = part === 'framing' ? words.framings : words.rules;
  const hints = part === 'framing' ? words.framingHints : words.ruleHints;
  const kinds = Object.keys(specs).includes(draft.kind) ? Object.keys(specs) : [...Object.keys(specs), draft.kind];
  const write = (name: string, written: Written): void => onChange({ ...draft, fields: { ...draft.fields, [name]: written } });
  return (
    <div class="settings">
      <Select
        label={words.dialog[part]}
        hint={hints[draft.kind]}
        fault={faults.get(part)}
        value={draft.kind}
        choices={kinds.map((value) => ({ value, label: names[value] ?? value }))}
        onChoose={(kind) => onChange(withKind(draft, kind, specs))}
      />
      {(specs[draft.kind] ?? []).map((spec) =>
        spec.type === 'rows' ? (
          <SettingRows
            key={spec.name}
            at={`${part}/${spec.name}`}
            spec={spec}
            rows={listWritten(draft.fields[spec.name])}
            faults={faults}
            onChange={(rows) => write(spec.name, rows)}
          />
        ) : (
          <OneField
            key={spec.name}
            spec={spec}
            written={draft.fields[spec.name] ?? ''}
            fault={faults.get(`${part}/${spec.name}`)}
            onWrite={(written) => write(spec.name, written)}
          />
        ),
      )}
    </div>
  );
}

interface OneFieldProps {
  readonly spec: Exclude<FieldSpec, { type: 'rows' }>;
  readonly written: Written;
  readonly fault: string | undefined;
  readonly onWrite: (written: Written) => void;
}

function OneField({ spec, written, fault, onWrite }: OneFieldProps) {
  const label = text.serial.fields[spec.name] ?? spec.name;
  switch (spec.type) {
    case 'flag':
      return <Check label={label} isOn={written === true} onToggle={onWrite} />;
    case 'choice':
      return <Select label={label} fault={fault} value={textWritten(written)} choices={choicesOf(spec.of)} onChoose={onWrite} />;
    case 'text':
    case 'number':
      return (
        <Input
          label={label}
          fault={fault}
          class={spec.type === 'text' && spec.isMono === true ? 'mono' : ''}
          autocomplete="off"
          autocapitalize="off"
          {...(spec.type === 'number' ? { inputMode: 'decimal' as const } : {})}
          placeholder={spec.usual ?? ''}
          value={textWritten(written)}
          onInput={(event) => onWrite(event.currentTarget.value)}
        />
      );
    default:
      return spec satisfies never;
  }
}
