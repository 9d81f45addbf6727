// What is set on a port, what went wrong on it by code, and who may change it.
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { formatBytes, formatFull, formatNumber, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import { may } from '../session.ts';
import { MODBUS } from './setting-specs.ts';
import { framingWords, lineWords, originWords, outcomeWords, ruleWords } from './port-words.ts';

export function PortFacts({ port }: { port: SerialPortView }) {
  const words = text.serial.facts;
  const bytes = formatBytes(port.bytes);
  const rows: (readonly [name: string, value: string, isMono?: boolean])[] = [
    [words.path, port.path, true],
    [words.line, lineWords(port)],
    [words.framing, framingWords(port.framing)],
    ...(port.framing === MODBUS ? [] : [[words.rule, ruleWords(port.rule)] as const]),
    [words.expect, port.expectEverySeconds === null ? words.none : formatSpan(port.expectEverySeconds * 1000)],
    [words.since(text.serial.state[port.state]), formatFull(Date.parse(port.sinceAt))],
    [words.lines, formatNumber(port.lines)],
    [words.bytes, `${bytes.figure} ${bytes.unit}`],
    [words.origin, originWords(port)],
  ];
  return (
    <div class="port-facts">
      <dl class="kv">
        {rows.map(([name, value, isMono]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={isMono === true ? 'mono' : ''}>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      <Counts title={text.serial.faultsTitle} counts={port.faults} none={text.serial.noFaults} />
      {Object.keys(port.skipped).length === 0 ? null : <Counts title={text.serial.skippedTitle} counts={port.skipped} none="" />}
      <p class="read-only">{readOnlyWords(port)}</p>
    </div>
  );
}

function readOnlyWords({ origin, bridge }: SerialPortView): string | null {
  const words = text.serial.readOnly;
  if (origin === 'bridge') return words.bridge(bridge ?? text.none);
  if (origin === 'console') return may('admin') ? null : words.role;
  return words[origin];
}

function Counts({ title, counts, none }: { title: string; counts: Readonly<Record<string, number>>; none: string }) {
  const rows = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return (
    <section class="counts" aria-label={title}>
      <h2>{title}</h2>
      {rows.length === 0 ? <p class="dim">{none}</p> : null}
      <ul>
        {rows.map(([code, count]) => (
          <li key={code}>
            <span title={code}>
              <bdi>{outcomeWords(code)}</bdi>
            </span>
            <b>{formatNumber(count)}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}
