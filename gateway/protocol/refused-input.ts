// Input that a device could not read itself, in the place of a record: a bridge's line that its rule refused. It has no value, so it is
// refused and quarantined like any such record; a gateway that knows the label keeps the reason and the bytes of the one who saw it.

export interface RefusedInput {
  /** Lower case, digits and dashes. */
  readonly code: string;
  /** A sentence. */
  readonly message: string;
  readonly raw: string;
  readonly encoding: 'utf8' | 'base64';
}
export interface RefusedRecord {
  readonly refused: RefusedInput;
}

export const REFUSED_MESSAGE_CHARS = 256;

const CODE = /^[a-z][a-z0-9-]{0,31}$/;
export const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const CONTROL = /\p{Cc}/u;

/** null: the record is none of these. */
export function readRefused(record: unknown): RefusedInput | null {
  if (typeof record !== 'object' || record === null) return null;
  const { refused } = record as { refused?: unknown };
  if (typeof refused !== 'object' || refused === null) return null;
  const { code, message, raw, encoding } = refused as Record<string, unknown>;
  if (typeof code !== 'string' || !CODE.test(code)) return null;
  if (typeof message !== 'string' || message.length > REFUSED_MESSAGE_CHARS || !message.isWellFormed() || CONTROL.test(message))
    return null;
  if (typeof raw !== 'string' || raw === '') return null;
  if (encoding === 'utf8' ? !raw.isWellFormed() : encoding !== 'base64' || !BASE64.test(raw)) return null;
  return { code, message, raw, encoding: encoding as RefusedInput['encoding'] };
}
