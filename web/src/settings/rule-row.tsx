// One rule of retention: its fields, what they mean together, and its place among the others.
import type { Problem } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';
import { Input } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { FIELD_NAMES, type RuleDraft, type RuleField, ruleOf, ruleText, wrongField } from './rule-draft.ts';

const words = text.settings.retention;
const FIELDS: readonly { readonly field: RuleField; readonly isNumber: boolean }[] = [
  { field: 'device', isNumber: false },
  { field: 'metric', isNumber: false },
  { field: 'days', isNumber: true },
  { field: 'size', isNumber: true },
  { field: 'sums', isNumber: true },
];

interface RuleRowProps {
  readonly draft: RuleDraft;
  readonly index: number;
  readonly isLast: boolean;
  /** Somebody has pressed Save. */
  readonly isTried: boolean;
  readonly faults: Problem['errors'];
  readonly isUnreached: boolean;
  readonly onChange: (draft: RuleDraft) => void;
  readonly onMove: (to: number) => void;
  readonly onDrop: () => void;
}

export function RuleRow({ draft, index, isLast, isTried, faults, isUnreached, onChange, onMove, onDrop }: RuleRowProps) {
  const wrong = wrongField(draft);
  const faultOf = (field: RuleField): string | undefined =>
    isTried && wrong === field
      ? words.number
      : faults?.find(({ pointer }) => pointer === `/retention/${index}/${FIELD_NAMES[field]}`)?.detail;
  return (
    <li>
      <div class="rule-fields" role="group" aria-label={words.rule(index + 1)}>
        {FIELDS.map(({ field, isNumber }) => (
          <Input
            key={field}
            label={words[field]}
            name={field}
            autocomplete="off"
            autocapitalize="off"
            {...(isNumber ? { inputMode: 'decimal' as const } : { class: 'mono' })}
            fault={faultOf(field)}
            value={draft[field]}
            onInput={(event) => onChange({ ...draft, [field]: event.currentTarget.value })}
          />
        ))}
        <div class="rule-acts">
          <RuleAct label={words.up} icon="up" isOff={index === 0} onClick={() => onMove(index - 1)} />
          <RuleAct label={words.down} icon="down" isOff={isLast} onClick={() => onMove(index + 1)} />
          <RuleAct label={words.drop} icon="trash" isOff={false} onClick={onDrop} />
        </div>
      </div>
      <p class={isUnreached ? 'means is-late' : 'means'}>{isUnreached ? words.unreached : wrong === null ? ruleText(ruleOf(draft)) : ''}</p>
    </li>
  );
}

function RuleAct({ label, icon, isOff, onClick }: { label: string; icon: 'up' | 'down' | 'trash'; isOff: boolean; onClick(): void }) {
  return (
    <button type="button" class="btn quiet square" aria-label={label} title={label} disabled={isOff} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
