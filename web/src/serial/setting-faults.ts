// The gateway's faults by the field that shows them: the one that is named, else what it is a part of. '' is the whole form.
import type { Problem } from '../../../gateway/protocol/rest.ts';
import type { PartDraft, RowDraft } from './setting-draft.ts';
import { listWritten, textWritten } from './setting-draft.ts';
import type { FieldSpec, RowsSpec, Specs } from './setting-specs.ts';

export type Faults = ReadonlyMap<string, string>;

/** `#/rule/columns/0/metric`, `/rule/columns[0].metric` and `rule.columns[0].metric:` are one place. */
export function placeOf(pointer: string): string {
  return pointer
    .replace(/^[#/?]+|[:/]+$/g, '')
    .split(/[/.[\]]+/)
    .filter(Boolean)
    .join('/');
}

export function placeFaults(errors: Problem['errors'], shown: ReadonlySet<string>): Faults {
  const placed = new Map<string, string>();
  for (const { pointer, detail } of errors ?? []) {
    const named = placeOf(pointer);
    let at = named;
    while (at !== '' && !shown.has(at)) at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
    const says = at === named ? detail : `${named.slice(at === '' ? 0 : at.length + 1)}: ${detail}`;
    const before = placed.get(at);
    placed.set(at, before === undefined ? says : `${before}; ${says}`);
  }
  return placed;
}

/** The places of a part's fields, as `rule/columns/0/metric`; a row of an object goes by its name. */
export function placesOf(part: 'framing' | 'rule', draft: PartDraft, specs: Specs): string[] {
  return [part, ...fieldPlaces(part, specs[draft.kind] ?? [], draft.fields)];
}

function fieldPlaces(at: string, specs: readonly FieldSpec[], row: RowDraft): string[] {
  return specs.flatMap((spec) => {
    const here = `${at}/${spec.name}`;
    if (spec.type !== 'rows') return [here];
    const rows = listWritten(row[spec.name]).map((one, index) => [`${here}/${rowName(spec, one, index)}`, one] as const);
    return [here, ...rows.flatMap(([place, one]) => [place, ...fieldPlaces(place, spec.columns, one)])];
  });
}

export function rowName({ key }: RowsSpec, row: RowDraft, index: number): string {
  return key === undefined ? String(index) : placeOf(textWritten(row[key]));
}
