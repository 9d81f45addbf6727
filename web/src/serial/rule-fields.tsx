// Framing and rule together, as the port's dialog and the workbench have them: a rule that speaks one framing alone brings it along.
import type { PortDraft } from './port-draft.ts';
import { withKind } from './setting-draft.ts';
import type { Faults } from './setting-faults.ts';
import { SettingFields } from './setting-fields.tsx';
import { FRAMING_OF_RULE, MODBUS, RULES } from './setting-specs.ts';
import type { Specs } from './setting-specs.ts';

type Parts = Pick<PortDraft, 'framing' | 'rule'>;
interface RuleFieldsProps extends Parts {
  readonly faults: Faults;
  /** The framings to choose from. */
  readonly framings: Specs;
  readonly onChange: (next: Partial<Parts>) => void;
}

export function RuleFields({ framing, rule, faults, framings, onChange }: RuleFieldsProps) {
  return (
    <>
      <SettingFields part="framing" draft={framing} specs={framings} faults={faults} onChange={(next) => onChange({ framing: next })} />
      {framing.kind === MODBUS ? null : (
        <SettingFields
          part="rule"
          draft={rule}
          specs={RULES}
          faults={faults}
          onChange={(next) => {
            const usual = next.kind === rule.kind ? undefined : FRAMING_OF_RULE[next.kind];
            // what was chosen with care (a delimiter, SLIP) stays
            const isPlain = framing.kind === FRAMING_OF_RULE[rule.kind];
            onChange(usual === undefined || !isPlain ? { rule: next } : { rule: next, framing: withKind(framing, usual, framings) });
          }}
        />
      )}
    </>
  );
}
