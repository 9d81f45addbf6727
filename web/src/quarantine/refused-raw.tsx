// What was sent, as it was sent: JSON with line breaks, bytes as hex and decoded where they can be; the faulty records are marked. Text
// from a device is shown as text, with what can't be seen made visible.
import type { QuarantineView } from '../../../gateway/protocol/rest.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { base64Bytes, hexOf, visibleText } from '../serial/frame-text.ts';
import { cborText } from './cbor-text.ts';
import { prettyJson } from './pretty-json.ts';
import { isSerialLine } from './refusal-words.ts';

/** More than this is kept, and copied, but not drawn. */
const DRAWN_LINES = 400;
const DRAWN_CHARS = 20_000;
const DRAWN_BYTES = 2048;

export function RefusedRaw({ row, faulty }: { row: QuarantineView; faulty: ReadonlySet<number> }) {
  const words = text.quarantine;
  const { raw, encoding, base, index } = row;
  const bytes = encoding === 'base64' ? base64Bytes(raw) : null;
  const decoded = bytes === null || isSerialLine(row) ? null : cborText(bytes);
  const hex = bytes === null ? '' : hexOf(bytes.subarray(0, DRAWN_BYTES));
  return (
    <div class="refused-raw">
      {base === null || index === null ? null : (
        <>
          <p class="raw-title">{words.base}</p>
          <pre class="raw-text mono" tabIndex={0} aria-label={words.base}>
            <Visible raw={prettyJson(JSON.stringify(base))[0]?.text ?? ''} />
          </pre>
        </>
      )}
      <div class="raw-head">
        <p class="raw-title">{bytes === null ? words.sent : words.hex}</p>
        <span class="dim">{words.bytes(formatNumber(bytes === null ? new TextEncoder().encode(raw).length : bytes.length))}</span>
        <CopyButton content={bytes === null ? raw : hex} />
      </div>
      {bytes === null ? (
        <Pretty raw={raw} isWhole={index !== null} isPlain={isSerialLine(row)} faulty={faulty} label={words.sent} />
      ) : (
        <pre class={decoded === null ? 'raw-text mono is-faulty' : 'raw-text mono'} tabIndex={0} aria-label={words.hex}>
          {hex}
          {bytes.length > DRAWN_BYTES ? ' …' : ''}
        </pre>
      )}
      {bytes === null || isSerialLine(row) ? null : decoded === null ? (
        <p class="dim">{words.undecodable}</p>
      ) : (
        <>
          <p class="raw-title">{words.decoded}</p>
          <Pretty raw={decoded} isWhole={index !== null} isPlain={false} faulty={faulty} label={words.decoded} />
        </>
      )}
    </div>
  );
}

interface PrettyProps {
  readonly raw: string;
  /** It is one record, and that one is at fault. */
  readonly isWhole: boolean;
  /** No JSON: a line as it came. */
  readonly isPlain: boolean;
  readonly faulty: ReadonlySet<number>;
  readonly label: string;
}

function Pretty({ raw, isWhole, isPlain, faulty, label }: PrettyProps) {
  const isAll = isWhole || isPlain || faulty.size === 0;
  const lines = isPlain || raw.length > DRAWN_CHARS ? [{ depth: 0, text: raw.slice(0, DRAWN_CHARS), index: null }] : prettyJson(raw);
  const drawn = lines.slice(0, DRAWN_LINES);
  return (
    <pre class="raw-text mono" tabIndex={0} aria-label={label}>
      {drawn.map((line, at) => (
        <span
          key={at}
          class={isAll || (line.index !== null && faulty.has(line.index)) ? 'raw-line is-faulty' : 'raw-line'}
          data-depth={Math.min(line.depth, 3)}
        >
          <Visible raw={line.text} />
          {'\n'}
        </span>
      ))}
      {lines.length > drawn.length || raw.length > DRAWN_CHARS ? '…' : ''}
    </pre>
  );
}

export function Visible({ raw }: { raw: string }) {
  return <>{visibleText(raw).map(({ text: piece, isMark }) => (isMark ? <i>{piece}</i> : piece))}</>;
}
