// The slaves of a Modbus bus: who answers, who does not, and why.
import type { SerialSlaveView } from '../../../gateway/protocol/rest.ts';
import { nowMs } from '../clock.ts';
import { formatAge, formatInstant, formatNumber, formatSpan } from '../format.ts';
import { text } from '../i18n/en.ts';
import { sentence } from './port-words.ts';

const TONES = { new: 'is-suspended', answers: 'is-live', failing: 'is-late', silent: 'is-silent' } as const;
const SHAPES = { new: 'port-opening', answers: 'port-open', failing: 'port-garbage', silent: 'port-silent' } as const;

export function PortSlaves({ slaves }: { slaves: readonly SerialSlaveView[] }) {
  if (slaves.length === 0) return null;
  return (
    <section class="slaves" aria-label={text.serial.slaves.title}>
      <h2>{text.serial.slaves.title}</h2>
      <ul>
        {slaves.map((slave) => (
          <Slave key={slave.slave} slave={slave} />
        ))}
      </ul>
    </section>
  );
}

function Slave({ slave }: { slave: SerialSlaveView }) {
  const words = text.serial.slaves;
  const { state, lastErrorAt, nextAskAt, roundTripMs } = slave;
  const figures: (readonly [name: string, value: string, isBad?: boolean])[] = [
    [words.answeredWord, words.answered(formatNumber(slave.answers), formatNumber(slave.requests))],
    [words.roundTrip, roundTripMs === null ? text.none : formatSpan(roundTripMs)],
    [words.timeouts, formatNumber(slave.timeouts), slave.timeouts > 0],
    [words.crcErrors, formatNumber(slave.crcErrors), slave.crcErrors > 0],
    [words.exceptions, formatNumber(slave.exceptions), slave.exceptions > 0],
  ];
  return (
    <li data-slave={slave.slave}>
      <span class="who">
        <b>{words.slave(slave.slave)}</b>
        <span class={`state ${TONES[state]}`}>
          <i class={`dot ${SHAPES[state]}`} aria-hidden="true" />
          <b>{words.state[state]}</b> <small>{formatAge(nowMs.value - Date.parse(slave.sinceAt))}</small>
        </span>
      </span>
      <dl class="port-figures">
        {figures.map(([name, value, isBad]) => (
          <div key={name} class={isBad === true ? 'is-bad' : ''}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {state === 'answers' || slave.lastError === '' ? null : (
        <p>
          <bdi>{sentence(slave.lastError)}</bdi>{' '}
          <span class="dim">
            {[
              lastErrorAt === null ? '' : words.last(formatAge(nowMs.value - Date.parse(lastErrorAt))),
              nextAskAt === null ? '' : words.nextAsk(formatInstant(Date.parse(nextAskAt))),
            ]
              .filter(Boolean)
              .join(', ')}
          </span>
        </p>
      )}
    </li>
  );
}
