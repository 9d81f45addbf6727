// Values as CBOR (RFC 8949), the shortest form of each: what the gateway answers on a CBOR socket, and what a device may send.

export type CborValue = null | boolean | number | string | readonly CborValue[] | { readonly [key: string]: CborValue | undefined };

const MAJOR = { unsigned: 0x00, negative: 0x20, text: 0x60, array: 0x80, map: 0xa0 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const HALF = 0xf9;
const SINGLE = 0xfa;
const DOUBLE = 0xfb;
const LONGEST_HEAD = 9;
/** Lengths below it fit into the head itself. */
const SHORT_TEXT = 24;
const FIRST_BYTES = 256;
const texts = new TextEncoder();

/** Fields that are undefined are left out, as in JSON. A number is an integer where it can be, else the shortest float that is exact. */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(FIRST_BYTES);
  let view = new DataView(bytes.buffer);
  let at = 0;

  /** Room for `size` bytes more, before anything is written: `bytes` and `view` may be other ones after it. */
  function need(size: number): void {
    if (at + size <= bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes.length * 2, at + size));
    grown.set(bytes);
    bytes = grown;
    view = new DataView(bytes.buffer);
  }

  function head(major: number, argument: number): void {
    need(LONGEST_HEAD);
    if (argument < 24) view.setUint8(at, major | argument);
    else if (argument < 2 ** 8) {
      view.setUint8(at++, major | 24);
      view.setUint8(at, argument);
    } else if (argument < 2 ** 16) {
      view.setUint8(at++, major | 25);
      view.setUint16(at++, argument);
    } else if (argument < 2 ** 32) {
      view.setUint8(at++, major | 26);
      view.setUint32(at, argument);
      at += 3;
    } else {
      view.setUint8(at++, major | 27);
      view.setBigUint64(at, BigInt(argument));
      at += 7;
    }
    at++;
  }

  function number(value: number): void {
    need(LONGEST_HEAD);
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value < 0) head(MAJOR.negative, -1 - value);
      else head(MAJOR.unsigned, value);
    } else if (Object.is(Math.f16round(value), value)) {
      view.setUint8(at, HALF);
      view.setFloat16(at + 1, value);
      at += 3;
    } else if (Math.fround(value) === value) {
      view.setUint8(at, SINGLE);
      view.setFloat32(at + 1, value);
      at += 5;
    } else {
      view.setUint8(at, DOUBLE);
      view.setFloat64(at + 1, value);
      at += 9;
    }
  }

  function simple(byte: number): void {
    need(1);
    view.setUint8(at++, byte);
  }

  function text(string: string): void {
    need(LONGEST_HEAD + string.length * 3);
    if (string.length < SHORT_TEXT) {
      // ASCII, as nearly all of ours is: written behind a one-byte head, and given up at the first other character
      let i = 0;
      for (let code = 0; i < string.length && (code = string.charCodeAt(i)) < 0x80; i++) bytes[at + 1 + i] = code;
      if (i === string.length) {
        bytes[at] = MAJOR.text | i;
        at += 1 + i;
        return;
      }
    }
    const utf8 = texts.encode(string);
    head(MAJOR.text, utf8.length);
    bytes.set(utf8, at);
    at += utf8.length;
  }

  function map(fields: { readonly [key: string]: CborValue | undefined }): void {
    const keys = Object.keys(fields).filter((key) => fields[key] !== undefined);
    head(MAJOR.map, keys.length);
    for (const key of keys) {
      text(key);
      write(fields[key] as CborValue);
    }
  }

  function write(value: CborValue): void {
    if (typeof value === 'number') number(value);
    else if (typeof value === 'string') text(value);
    else if (typeof value === 'boolean') simple(value ? TRUE : FALSE);
    else if (value === null) simple(NULL);
    else if (Array.isArray(value)) {
      head(MAJOR.array, value.length);
      for (const item of value) write(item);
    } else map(value as { readonly [key: string]: CborValue | undefined });
  }

  write(value);
  return bytes.slice(0, at);
}
