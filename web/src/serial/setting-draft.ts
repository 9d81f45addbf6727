// A framing or a rule while it is edited: every field as it is written, and what it is as settings. Numbers that are none go to the
// gateway as they were written, which says what they must be.
import type { SerialPart } from '../../../gateway/protocol/rest.ts';
import type { FieldSpec, RowsSpec, Specs } from './setting-specs.ts';

export type Written = string | boolean | readonly RowDraft[];
export interface RowDraft {
  readonly [field: string]: Written;
}
export interface PartDraft {
  readonly kind: string;
  /** Fields of other kinds stay, so that changing the kind and back loses nothing. */
  readonly fields: RowDraft;
  /** As it was before it was edited: a kind that this page has no fields for is kept as it is. */
  readonly given: SerialPart;
}
type Settings = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Settings => typeof value === 'object' && value !== null;

export function draftOf(part: SerialPart, specs: Specs): PartDraft {
  return { kind: part.kind, fields: fieldsOf(specs[part.kind] ?? [], part), given: part };
}

/** Another kind, with what its fields need. */
export function withKind(draft: PartDraft, kind: string, specs: Specs): PartDraft {
  return { ...draft, kind, fields: { ...fieldsOf(specs[kind] ?? [], {}), ...draft.fields } };
}

export const emptyRow = (spec: RowsSpec): RowDraft => fieldsOf(spec.columns, {});

function fieldsOf(specs: readonly FieldSpec[], settings: Settings): RowDraft {
  return Object.fromEntries(specs.map((spec) => [spec.name, writtenOf(spec, settings[spec.name])]));
}

function writtenOf(spec: FieldSpec, value: unknown): Written {
  switch (spec.type) {
    case 'rows':
      return isObject(value) ? rowsOf(spec, value) : spec.isOptional === true ? [] : [emptyRow(spec)];
    case 'flag':
      return value === true;
    case 'choice':
      return isSaid(value) ? String(value) : spec.of.includes(spec.usual) ? spec.usual : (spec.of[0] ?? '');
    case 'text':
    case 'number':
      return isSaid(value) ? String(value) : '';
    default:
      return spec satisfies never;
  }
}
const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

function rowsOf(spec: RowsSpec, value: Settings): RowDraft[] {
  const { key, value: only, isNull } = spec;
  return Object.entries(value).map(([name, one]) => {
    const settings = only === undefined ? (isObject(one) ? one : {}) : { [only]: one };
    const isOff = one === null && isNull !== undefined;
    return {
      ...fieldsOf(spec.columns, settings),
      ...(isOff ? { [isNull[0]]: isNull[1] } : {}),
      ...(key === undefined ? {} : { [key]: name }),
    };
  });
}

export function settingsOf(draft: PartDraft, specs: Specs): SerialPart {
  const known = specs[draft.kind];
  if (known === undefined && draft.given.kind === draft.kind) return draft.given;
  return { kind: draft.kind, ...objectOf(known ?? [], draft.fields) };
}

/** What is left empty, or as usual, is left out. */
function objectOf(specs: readonly FieldSpec[], row: RowDraft): Settings {
  const said = specs.map((spec) => [spec.name, valueOf(spec, row[spec.name])] as const);
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
}

function valueOf(spec: FieldSpec, written: Written | undefined): unknown {
  if (spec.type === 'rows') return listOf(spec, listWritten(written));
  if (spec.type === 'flag') return written === true ? true : undefined;
  const text = textWritten(written);
  if (text === '' || (spec.type === 'choice' && text === spec.usual)) return undefined;
  return spec.type === 'number' || (spec.type === 'choice' && spec.isNumber === true) ? numberOf(text) : text;
}

export const listWritten = (written: Written | undefined): readonly RowDraft[] =>
  Array.isArray(written) ? (written as readonly RowDraft[]) : [];
export const textWritten = (written: Written | undefined): string => (typeof written === 'string' ? written : '');

export function numberOf(written: string): number | string {
  const text = written.trim();
  const number = Number(text.replace(',', '.'));
  return text === '' || !Number.isFinite(number) ? written : number;
}

function listOf(spec: RowsSpec, rows: readonly RowDraft[]): unknown {
  const { key, value: only, columns } = spec;
  if (rows.length === 0 && spec.isOptional === true) return undefined;
  const said = columns.filter(({ name }) => name !== key);
  const made = rows.map((row) => (isNullRow(spec, row) ? null : only === undefined ? objectOf(said, row) : textWritten(row[only])));
  return key === undefined ? made : Object.fromEntries(made.map((one, index) => [textWritten(rows[index]?.[key]), one]));
}

export function isNullRow({ isNull }: RowsSpec, row: RowDraft): boolean {
  return isNull !== undefined && row[isNull[0]] === isNull[1];
}
