// A list of a framing's or rule's settings as rows of fields: columns, keys, groups. Where a row is one line, the first shows the labels
// for all. A row may have a list of its own.
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { choicesOf } from './port-words.ts';
import { emptyRow, isNullRow, listWritten, textWritten } from './setting-draft.ts';
import type { RowDraft, Written } from './setting-draft.ts';
import { rowName } from './setting-faults.ts';
import type { Faults } from './setting-faults.ts';
import type { FieldSpec, RowsSpec } from './setting-specs.ts';

interface SettingRowsProps {
  /** Its place, as faults name it. */
  readonly at: string;
  readonly spec: RowsSpec;
  readonly rows: readonly RowDraft[];
  readonly faults: Faults;
  readonly onChange: (rows: readonly RowDraft[]) => void;
}

const MANY_COLUMNS = 5;

const labelOf = (name: string): string => text.serial.fields[name] ?? name;

export function SettingRows({ at, spec, rows, faults, onChange }: SettingRowsProps) {
  const label = labelOf(spec.label ?? spec.name);
  return (
    <div class="setting-list" role="group" aria-label={label}>
      <span class="label">{label}</span>
      {rows.length === 0 ? null : (
        <ol class={spec.columns.length >= MANY_COLUMNS ? 'is-many' : `has-${spec.columns.length}`}>
          {rows.map((row, index) => (
            <Row
              // rows have no name of their own, and are never moved
              key={index}
              at={`${at}/${rowName(spec, row, index)}`}
              spec={spec}
              row={row}
              number={index + 1}
              faults={faults}
              onWrite={(name, written) => onChange(rows.map((one, other) => (other === index ? { ...one, [name]: written } : one)))}
              onDrop={() => onChange(rows.filter((_one, other) => other !== index))}
            />
          ))}
        </ol>
      )}
      <FaultNote says={faults.get(at)} />
      <button type="button" class="btn small" onClick={() => onChange([...rows, emptyRow(spec)])}>
        <Icon name="plus" />
        {text.serial.addRow[spec.label ?? spec.name] ?? spec.name}
      </button>
    </div>
  );
}

function FaultNote({ says }: { says: string | undefined }) {
  if (says === undefined) return null;
  return (
    <p class="fault" role="alert">
      {says}
    </p>
  );
}

interface RowProps {
  readonly at: string;
  readonly spec: RowsSpec;
  readonly row: RowDraft;
  readonly number: number;
  readonly faults: Faults;
  readonly onWrite: (name: string, written: Written) => void;
  readonly onDrop: () => void;
}

function Row({ at, spec, row, number, faults, onWrite, onDrop }: RowProps) {
  const isNull = isNullRow(spec, row);
  const wrong = spec.columns.filter(({ name, type }) => type !== 'rows' && faults.has(`${at}/${name}`));
  const says = [faults.get(at), ...wrong.map(({ name }) => `${labelOf(name)}: ${faults.get(`${at}/${name}`) ?? ''}`)]
    .filter(Boolean)
    .join('; ');
  return (
    <li class={isNull ? 'setting-row is-null' : 'setting-row'}>
      {spec.columns.map((column) =>
        column.type === 'rows' ? null : (
          <label key={column.name} class={`cell cell-${column.name} ${wrong.includes(column) ? 'is-wrong' : ''}`}>
            <span>{labelOf(column.name)}</span>
            <Cell
              column={column}
              written={row[column.name]}
              isWrong={wrong.includes(column)}
              isOff={isNull && column.name !== spec.isNull?.[0] && column.name !== spec.key}
              onWrite={(written) => onWrite(column.name, written)}
            />
          </label>
        ),
      )}
      <button
        type="button"
        class="btn quiet square"
        aria-label={text.serial.dropRow(number, labelOf(spec.label ?? spec.name))}
        onClick={onDrop}
      >
        <Icon name="close" />
      </button>
      <FaultNote says={says === '' ? undefined : says} />
      {spec.columns.map((column) =>
        column.type === 'rows' ? (
          <SettingRows
            key={column.name}
            at={`${at}/${column.name}`}
            spec={column}
            rows={listWritten(row[column.name])}
            faults={faults}
            onChange={(rows) => onWrite(column.name, rows)}
          />
        ) : null,
      )}
    </li>
  );
}

interface CellProps {
  readonly column: Exclude<FieldSpec, RowsSpec>;
  readonly written: Written | undefined;
  readonly isWrong: boolean;
  /** The row is not stored: this says nothing. */
  readonly isOff: boolean;
  readonly onWrite: (written: Written) => void;
}

function Cell({ column, written, isWrong, isOff, onWrite }: CellProps) {
  if (column.type === 'flag') {
    return <input type="checkbox" checked={written === true} onChange={(event) => onWrite(event.currentTarget.checked)} />;
  }
  if (column.type === 'choice') {
    return (
      <select value={textWritten(written)} onChange={(event) => onWrite(event.currentTarget.value)}>
        {choicesOf(column.of).map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      class={column.type === 'text' && column.isMono === true ? 'mono' : ''}
      inputMode={column.type === 'number' ? 'decimal' : 'text'}
      autocomplete="off"
      autocapitalize="off"
      spellcheck={false}
      placeholder={column.usual ?? ''}
      {...(column.type === 'text' && column.offer !== undefined ? { type: 'text' as const, list: column.offer } : {})}
      aria-invalid={isWrong ? 'true' : undefined}
      disabled={isOff}
      value={isOff ? '' : textWritten(written)}
      onInput={(event) => onWrite(event.currentTarget.value)}
    />
  );
}
