import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonRecordSlices } from '../../gateway/ingest/json-slices.ts';

const textsOf = (frame: string): string[] => jsonRecordSlices(Buffer.from(frame)).map((slice) => Buffer.from(slice).toString());

test('the slices of any pack and of any message with readings are its records', () => {
  const spaces = fc.constantFrom('', ' ', '\n\t', '  \r\n');
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.array(fc.jsonValue(), { maxLength: 2 }),
      spaces,
      (records, others, space) => {
        const texts = records.map((record) => JSON.stringify(record, null, space));
        const array = `${space}[${space}${texts.join(`${space},${space}`)}${space}]${space}`;
        expect(textsOf(array)).toEqual(texts);
        const fields = [
          ...others.map((other, n) => `"k${n}"${space}:${space}${JSON.stringify(other)}`),
          `"readings"${space}:${array}`,
          '"seq":1',
        ];
        expect(textsOf(`${space}{${space}${fields.join(`${space},${space}`)}${space}}`)).toEqual(texts);
      },
    ),
  );
});

test('of two lists under one name the last counts, as for the parser', () => {
  expect(textsOf('{"readings":[1,2],"readings":[3]}')).toEqual(['3']);
  expect(textsOf('{"readings":[1],"readings":5}')).toEqual([]);
  expect(textsOf('{"type":"readings"}')).toEqual([]);
});

test('bytes that are no JSON come to an end all the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('[', ']', '{', '}', '"', ',', ':', '\\', 'a', '"readings"', ' ')), (parts) => {
      try {
        jsonRecordSlices(Buffer.from(parts.join('')));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});
