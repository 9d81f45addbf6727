// What was refused, made readable without touching it.

import { expect, test } from 'vitest';
import { encodeCbor } from '../../gateway/protocol/cbor-encoder.ts';
import { cborText } from '../../web/src/quarantine/cbor-text.ts';
import { prettyJson } from '../../web/src/quarantine/pretty-json.ts';

const lines = (raw: string) =>
  prettyJson(raw).map(({ depth, text, index }) => `${'  '.repeat(depth)}${text}${index === null ? '' : ` #${index}`}`);

test('the records of a pack stand on a line each and are counted', () => {
  expect(lines('[{"bn":"x:","t":[1,2]},\n {"n":"a,]}","v":1e400} ,5]')).toEqual([
    '[',
    '  {"bn": "x:", "t": [1, 2]}, #0',
    '  {"n": "a,]}", "v": 1e400}, #1',
    '  5 #2',
    ']',
  ]);
});

test('the records of a message are told from its other fields', () => {
  expect(lines('{"type":"readings","seq":7,"readings":[{"n":"a"},{"n":"b"}]}')).toEqual([
    '{',
    '  "type": "readings",',
    '  "seq": 7,',
    '  "readings": [',
    '    {"n": "a"}, #0',
    '    {"n": "b"} #1',
    '  ]',
    '}',
  ]);
});

test('one record is a line, and what is broken is shown as far as it goes', () => {
  expect(lines('{"n":"a","v":"\\"}"}')).toEqual(['{"n": "a", "v": "\\"}"}']);
  expect(lines('[{"n":"a"')).toEqual(['[', '  {"n": "a" #0']);
  expect(lines('hello there')).toEqual(['hello there']);
});

test('CBOR is decoded with the names of SenML labels; what is none is not', () => {
  const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
  expect(cborText(bytes('81a32162622f006174063a000f423f'))).toBe('[{"bn":"b/","n":"t","t":-1000000}]');
  expect(cborText(encodeCbor([{ n: 'a', v: 21.5, vb: true, vs: 'ü"' }]))).toBe('[{"n":"a","v":21.5,"vb":true,"vs":"ü\\""}]');
  expect(cborText(bytes('f93e00'))).toBe('1.5');
  expect(cborText(bytes('4201ff'))).toBe('"01 ff"');
  for (const broken of ['', '81', '9f00ff', 'c100', '61ff', '0000', '9b7fffffffffffffff'])
    expect(cborText(bytes(broken)), broken).toBeNull();
});
