import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPinoObserve } from '../../gateway/pino-observe.ts';
import { printable, printableText } from '../../gateway/printable.ts';
import { createTimingWindow } from '../../gateway/timing-window.ts';

const MODULE = JSON.stringify(join(import.meta.dirname, '../../gateway/pino-observe.ts'));

/** Runs a script with an open observe in a process of its own. */
function start(body: string, { format = 'json', level = 'info' }: { format?: string; level?: string } = {}): ReturnType<typeof spawn> {
  const source = `const { openPinoObserve } = await import(${MODULE});
    const observe = await openPinoObserve({ level: ${JSON.stringify(level)}, format: ${JSON.stringify(format)} });
    ${body}`;
  return spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'pipe'] });
}
async function run(
  body: string,
  options: { format?: string; level?: string } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(body, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('the log is one JSON object a line on stderr, with level, time and message', async () => {
  const { stderr, stdout } = await run(
    `observe.log.info({ device: 'pump-1', n: 3 }, 'hello'); observe.log.debug({}, 'hidden'); observe.log.error({}, 'last');`,
  );
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), device: 'pump-1', n: 3, msg: 'hello' },
    { level: 'error', time: expect.any(String), msg: 'last' },
  ]);
  expect(stdout).toBe('');
});

test.each(['json', 'text'])('J12 control, bidirectional and NUL characters reach no %s log', async (format) => {
  const nasty = '\\u0000\\u001b[31m\\u202e\\u2066\\u009b\\r\\nforged\\u2028\\u007f';
  const { stderr } = await run(
    `observe.log.warn({ name: "${nasty}", deep: { list: ["${nasty}"], ["${nasty}"]: 1 }, error: new Error("${nasty}") }, "text ${nasty}");`,
    { format },
  );
  expect(stderr).toContain('\\u202e');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(stderr.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028]/);
  if (format === 'json') expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  else expect(stderr).not.toMatch(/^forged/m);
});

test('E7 a log whose reader has gone is dropped and counted, and the process goes on', async () => {
  const child = start(`
    await new Promise((resolve) => process.stdin.once('data', resolve));
    for (let i = 0; i < 1000; i++) observe.log.info({ i }, 'nobody reads this');
    await observe.close();
    console.log((await observe.metrics()).match(/^fieldgate_log_lines_dropped_total (\\d+)/m)[1]);
  `);
  child.stderr?.destroy();
  child.stdin?.end('go');
  let stdout = '';
  child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(Number(stdout)).toBe(1000);
});

test('E7 a reader that has stopped reading costs bounded memory and no time', async () => {
  const child = start(`
    const line = 'x'.repeat(1000);
    for (let i = 0; i < 20000; i++) observe.log.info({ line }, 'much');
    const waited = performance.now();
    await observe.close();
    console.log((await observe.metrics()).match(/^fieldgate_log_lines_dropped_total (\\d+)/m)[1], Math.round(performance.now() - waited));
    process.exit(0);
  `);
  let stdout = '';
  child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
  await once(child, 'exit');
  const [dropped = 0, waitedMs = Number.NaN] = stdout.split(' ').map(Number);
  expect(dropped).toBeGreaterThan(15_000);
  expect(waitedMs).toBeLessThan(5000);
  child.stderr?.destroy();
});

test('printable text is left as it is, everything else becomes visible', () => {
  expect(printableText('Grüße 温度 21.5 °C 🚰')).toBe('Grüße 温度 21.5 °C 🚰');
  expect(printableText('a\u0000b\ud800c\u{1f6b0}')).toBe('a\\u0000b\\ud800c\u{1f6b0}');
  expect(printableText('x'.repeat(10_000))).toMatch(/^x{8192}… \(10000 characters\)$/);
  const loop: { self?: object } = {};
  loop.self = loop;
  expect(JSON.stringify(printable(loop))).toBe('{"self":{"self":{"self":{"self":"…"}}}}');
  expect(printable({ at: new Date(0), bytes: new Uint8Array(3), n: 3n })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    bytes: '3 bytes',
    n: '3',
  });
});

test('counters, families, gauges and timings come out in Prometheus format', async () => {
  const observe = await openPinoObserve({ level: 'error', format: 'json' });
  const frames = observe.counter('fieldgate_frames_total', 'Frames');
  frames.add();
  frames.add(4);
  expect(frames.value).toBe(5);
  expect(observe.counter('fieldgate_frames_total', 'Frames').value).toBe(5);
  const refusals = observe.counterBy('fieldgate_refusals_total', 'Refusals', 'code');
  refusals.add('bad-json');
  refusals.add('bad-seq', 2);
  expect(refusals.value('bad-seq')).toBe(2);
  expect(refusals.value('never')).toBe(0);
  observe.gauge('fieldgate_devices', 'Devices', () => 1);
  observe.gauge('fieldgate_devices', 'Devices', () => 7);
  let rows: (readonly [readonly string[], number])[] = [[['/dev/a', 'open'], 1]];
  observe.gaugeBy('fieldgate_port_state', 'Ports', ['port', 'state'], () => rows);
  expect(await observe.metrics()).toContain('fieldgate_port_state{port="/dev/a",state="open"} 1\n');
  rows = [[['/dev/b', 'open'], 0]];
  expect(await observe.metrics()).not.toContain('/dev/a');
  const ack = observe.timing('fieldgate_ack_ms', 'Acks');
  for (const ms of [1, 3, 300]) ack.observe(ms);
  const text = await observe.metrics();
  for (const line of [
    '# TYPE fieldgate_frames_total counter',
    'fieldgate_frames_total 5',
    'fieldgate_refusals_total{code="bad-json"} 1',
    'fieldgate_refusals_total{code="bad-seq"} 2',
    'fieldgate_devices 7',
    'fieldgate_port_state{port="/dev/b",state="open"} 0',
    '# TYPE fieldgate_ack_seconds histogram',
    'fieldgate_ack_seconds_bucket{le="0.001"} 1',
    'fieldgate_ack_seconds_bucket{le="0.005"} 2',
    'fieldgate_ack_seconds_bucket{le="+Inf"} 3',
    'fieldgate_ack_seconds_sum 0.304',
    'fieldgate_ack_seconds_count 3',
  ])
    expect(text.split('\n')).toContain(line);
  expect(await observe.metrics()).toContain('fieldgate_frames_total 5\n');
});

test('percentiles are those of the last minute, within three percent', () => {
  let nowMs = 1_000_000;
  const window = createTimingWindow(() => nowMs);
  expect(window.percentile(0.5)).toBeNaN();
  for (let ms = 1; ms <= 1000; ms++) window.observe(ms);
  for (const p of [0.01, 0.5, 0.9, 0.99, 1]) expect(window.percentile(p) / (p * 1000), String(p)).toBeCloseTo(1, 1.5);
  nowMs += 30_000;
  for (let i = 0; i < 9000; i++) window.observe(5);
  expect(window.percentile(0.5) / 5).toBeCloseTo(1, 1.5);
  nowMs += 30_000;
  expect(window.percentile(1) / 5).toBeCloseTo(1, 1.5);
  nowMs += 60_000;
  expect(window.percentile(0.5)).toBeNaN();
  expect(window.histogram().count).toBe(10_000);
});

test('durations outside the scale count at its edges', () => {
  const window = createTimingWindow(() => 0);
  for (const ms of [0, -5, 1e-9]) window.observe(ms);
  expect(window.percentile(1)).toBeLessThan(0.002);
  window.observe(1e9);
  expect(window.percentile(1)).toBeGreaterThan(100_000);
});
