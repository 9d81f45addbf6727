// A port's settings as people write them.
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

const PARITY = { none: 'N', even: 'E', odd: 'O' } as const;

/** `115,200 baud 8N1 RTS/CTS`; the rest is known only of ports whose settings are here. */
export function lineWords({ baudRate, settings }: SerialPortView): string {
  const baud = `${formatNumber(baudRate)} ${text.serial.baud}`;
  if (settings === null) return baud;
  const { dataBits, parity, stopBits, flowControl } = settings;
  return `${baud} ${dataBits}${PARITY[parity]}${stopBits} ${text.serial.facts.flow[flowControl]}`.trim();
}

/** A stable name without the folder that all of them share; others as they are. */
export const pathWords = (path: string): string => path.replace(/^\/dev\/serial\/(by-id|by-path)\//, '');

export const framingWords = (kind: string): string => text.serial.framings[kind] ?? kind;
/** What becomes of the frames; a Modbus bus has no rule. */
export const ruleWords = (kind: string): string => text.serial.rules[kind] ?? kind;
/** Before the number of a Modbus exception. */
export const EXCEPTION = 'exception-';
export function outcomeWords(code: string): string {
  return code.startsWith(EXCEPTION) ? text.serial.exception(code.slice(EXCEPTION.length)) : (text.serial.outcomes[code] ?? code);
}

export function originWords({ origin, bridge }: SerialPortView): string {
  return origin === 'bridge' ? text.serial.origin.bridge(bridge ?? text.none) : text.serial.origin[origin];
}

export const rateWords = (perSecond: number): string => formatNumber(perSecond, perSecond > 0 && perSecond < 10 ? 1 : 0);

/** `it was unplugged` → `It was unplugged.` */
export function sentence(words: string): string {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export const choicesOf = (of: readonly string[]): { value: string; label: string }[] =>
  of.map((value) => ({ value, label: text.serial.choices[value] ?? value }));
