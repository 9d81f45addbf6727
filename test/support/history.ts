// Readings of every kind and of hard times, for what has to come back as it went.

const text = (n: number, bt: number, t: number, vs: string): object => ({ n: `text-${n % 3}`, bt, t, vs });

/** SenML packs; each record says its own base. Times of devices: absolute ones from July 1978 on, or long before 1970. */
export function hardHistory(): object[][] {
  const numbers = [
    0,
    1,
    -1,
    21.5,
    0.1,
    1e-7,
    5e-324,
    1.7976931348623157e308,
    -123456.789,
    0.1 + 0.2,
    2 ** 53,
    1e21,
    123456789012345.6,
    1e15,
    -0.000001,
  ];
  const seconds = [-5e8, -268435456.5, 3e8, 1.7e9, 2_208_988_800, 4_102_444_800, 7e9];
  const first = seconds.flatMap((bt, s) =>
    numbers.map((v, i) => ({ n: `number-${i % 4}`, u: i % 4 === 0 ? 'Cel' : '%', bt, t: s + i * 0.000_001, v })),
  );
  const texts = [
    '',
    'a,b',
    '"',
    'say "no"',
    'two\nlines',
    'cr\r\nlf',
    '=1+1',
    "'=1+1",
    '+x',
    '-x',
    '@x',
    '\tx',
    "'",
    "''-",
    ' spaces ',
    'true',
    '21.5',
    'ü€😀',
    'null',
    '#',
  ];
  const second = texts.map((vs, i) => text(i, 1.7e9, i / 1000, vs));
  const third = [true, false, true].map((vb, i) => ({ n: 'flag', bt: 1.7e9, t: i, vb }));
  // a series with two units, and two series at one time in both orders
  const fourth = [
    { n: 'zulu', u: 'Cel', bt: 1.71e9, t: 1, v: 1 },
    { n: 'alpha', u: 'K', bt: 1.71e9, t: 0, v: 2 },
    { n: 'alpha', u: 'K', bt: 1.71e9, t: 1, v: 3 },
    { n: 'alpha', u: '=', bt: 1.71e9, t: 1, v: 4 },
    { n: 'alpha', u: 'K', bt: 1.71e9, t: 1, v: 5 },
  ];
  return [first.slice(0, 60), first.slice(60), second, third, fourth];
}
