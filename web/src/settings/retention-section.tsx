// How long readings stay: the rules in their order, what each means, and what they let go before they are saved.
import { useState } from 'preact/hooks';
import type { RetentionForecast, RetentionRuleView, SettingsView } from '../../../gateway/protocol/rest.ts';
import { api } from '../api.ts';
import { formatDate, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Fault } from '../parts/form.tsx';
import { useAction } from '../parts/use-action.ts';
import { AskDialog } from './ask-dialog.tsx';
import { bytesText, draftOf, newRule, type RuleDraft, ruleOf, ruleText, wrongField } from './rule-draft.ts';
import { RuleRow } from './rule-row.tsx';
import { AddButton, FixedNote, Loaded, Section } from './section.tsx';
import { settingOf } from './setting-of.ts';
import type { Answer } from './use-answer.ts';

const words = text.settings.retention;

export function RetentionSection({ answer }: { answer: Answer<SettingsView> }) {
  return (
    <Section name="retention" lede={words.lede}>
      <Loaded answer={answer}>
        {(view) => {
          const { value, isEditable, source } = settingOf(view, 'retention');
          const rules = value as readonly RetentionRuleView[];
          // made anew when others have changed them
          if (isEditable) return <RuleEditor key={JSON.stringify(rules)} rules={rules} onSaved={answer.put} />;
          return (
            <>
              <FixedNote source={source} />
              <ol class="panel rules">
                {rules.map((rule) => (
                  <li key={JSON.stringify(rule)}>
                    <p class="means">{ruleText(rule)}</p>
                  </li>
                ))}
              </ol>
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}

const isAll = ({ device, metric }: RuleDraft): boolean => device.trim() === '*' && metric.trim() === '*';

function RuleEditor({ rules, onSaved }: { rules: readonly RetentionRuleView[]; onSaved(view: SettingsView): void }) {
  const [drafts, setDrafts] = useState<readonly RuleDraft[]>(() => rules.map(draftOf));
  const [isTried, setTried] = useState(false);
  const [goes, setGoes] = useState<readonly RetentionForecast[] | null>(null);
  const { isBusy, fault, faults, run } = useAction();
  const wanted = drafts.map(ruleOf);
  const isChanged = JSON.stringify(wanted) !== JSON.stringify(rules) || drafts.some((draft) => wrongField(draft) !== null);
  const firstAll = drafts.findIndex(isAll);

  const save = async (): Promise<void> => onSaved(await api.patch('/v1/settings', { retention: wanted }));
  const look = (): Promise<void> =>
    run(
      async () => {
        const { retention } = await api.post('/v1/settings/try', { retention: wanted });
        if (retention.some(({ readings, maxBytes, series }) => readings > 0 || (maxBytes !== null && series > 0))) setGoes(retention);
        else await save();
      },
      // told at the fields
      (error) => (error.fields === undefined || error.fields.length === 0 ? undefined : error.fields.map(({ detail }) => detail)[0]),
    );
  const move = (from: number, to: number): void => {
    const next = [...drafts];
    const [one] = next.splice(from, 1);
    if (one !== undefined) next.splice(to, 0, one);
    setDrafts(next);
  };
  const add = (): void => setDrafts([...drafts, newRule()]);

  return (
    <>
      <form
        class="rule-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (drafts.every((draft) => wrongField(draft) === null)) void look();
        }}
      >
        {drafts.length === 0 ? (
          <Empty {...words.empty}>
            <AddButton label={words.add} onClick={add} />
          </Empty>
        ) : (
          <ol class="panel rules">
            {drafts.map((draft, index) => (
              <RuleRow
                key={draft.id}
                draft={draft}
                index={index}
                isLast={index === drafts.length - 1}
                isTried={isTried}
                faults={faults}
                isUnreached={firstAll >= 0 && index > firstAll}
                onChange={(next) => setDrafts(drafts.map((one) => (one.id === next.id ? next : one)))}
                onMove={(to) => move(index, to)}
                onDrop={() => setDrafts(drafts.filter(({ id }) => id !== draft.id))}
              />
            ))}
          </ol>
        )}
        {drafts.length === 0 ? null : <p class="dim small-note">{words.hint}</p>}
        <Fault>{fault}</Fault>
        {drafts.length === 0 && !isChanged ? null : (
          <div class="form-foot">
            {drafts.length === 0 ? null : <AddButton label={words.add} isMain={false} onClick={add} />}
            <span class="spring" />
            {isChanged ? (
              <button type="button" class="btn" onClick={() => setDrafts(rules.map(draftOf))}>
                {words.discard}
              </button>
            ) : null}
            <button type="submit" class="btn primary" disabled={!isChanged || isBusy} aria-busy={isBusy}>
              {isBusy ? text.saving : text.save}
            </button>
          </div>
        )}
      </form>
      {goes === null ? null : (
        <AskDialog
          title={words.goesTitle}
          submit={words.goesSubmit}
          onClose={() => setGoes(null)}
          work={async () => {
            await save();
            setGoes(null);
          }}
        >
          <ol class="goes">
            {goes.map((forecast, index) => (
              <li key={drafts[index]?.id ?? index}>
                <p>{wanted[index] === undefined ? '' : ruleText(wanted[index])}</p>
                <b>{goesText(forecast)}</b>
              </li>
            ))}
          </ol>
          <p>{words.goesBody}</p>
        </AskDialog>
      )}
    </>
  );
}

function goesText({ readings, going, names, goneBeforeMs, maxBytes, series }: RetentionForecast): string {
  const parts: string[] = [];
  if (readings > 0 && goneBeforeMs !== null) {
    const devices = going <= 3 ? names.join(', ') : words.goesDevices(formatNumber(going));
    parts.push(words.goes(formatNumber(readings), devices, formatDate(goneBeforeMs)));
  }
  if (maxBytes !== null && series > 0) parts.push(words.goesRoom(bytesText(maxBytes)));
  return parts.length === 0 ? words.goesNone : parts.join('; ');
}
