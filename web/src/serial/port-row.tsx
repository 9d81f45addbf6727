// One port in the list: a row on wide screens, a card on phones. Pressed, it opens what the port said last and its figures.
import type { ComponentChildren } from 'preact';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { useConnected } from '../connected.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { SampleSpark } from '../parts/spark.tsx';
import { MODBUS } from './setting-specs.ts';
import { PortStateMark } from './port-state.tsx';
import { framingWords, lineWords, originWords, pathWords, rateWords, ruleWords, sentence } from './port-words.ts';

interface PortRowProps {
  readonly port: SerialPortView;
  readonly rates: readonly number[];
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  /** What is shown while it is open. */
  readonly children: ComponentChildren;
}

export function PortRow({ port, rates, isOpen, onToggle, children }: PortRowProps) {
  const { fleet } = useConnected();
  const label = fleet.get(port.device)?.view.label ?? '';
  const moreId = `port-${port.id}`;
  const words = text.serial;
  const isBus = port.framing === MODBUS;
  return (
    <li class={isOpen ? 'port is-open' : 'port'} data-port={port.id}>
      <div class="port-head">
        <div class="port-state">
          <PortStateMark port={port} />
        </div>
        <div class="port-name">
          <span class="name-row">
            <a class="name" href={`/devices/${encodeURIComponent(port.device)}`}>
              <bdi>{label === '' ? port.device : label}</bdi>
            </a>
            {port.origin === 'console' ? null : (
              <span class="tag">
                <bdi>{port.origin === 'bridge' ? originWords(port) : text.serial.tag[port.origin]}</bdi>
              </span>
            )}
          </span>
          <span class="mono" title={port.path}>
            <bdi>{pathWords(port.path)}</bdi>
          </span>
        </div>
        <div class="port-line">
          <span>{lineWords(port)}</span>
          <span class="dim">
            {framingWords(port.framing)}
            {isBus ? null : (
              <>
                {' '}
                <span aria-hidden="true">→</span> {ruleWords(port.rule)}
              </>
            )}
          </span>
        </div>
        <div class={port.state === 'open' ? 'port-spark' : 'port-spark is-stale'} aria-hidden="true">
          <SampleSpark values={rates} />
        </div>
        <dl class="port-figures">
          <Figure name={words.linesPerSecond} value={rateWords(port.linesPerSecond)} />
          <Figure name={words.readings} value={formatNumber(port.readings)} />
          <Figure name={words.errors} value={formatNumber(port.errors)} isBad={port.errors > 0} />
        </dl>
        <button
          type="button"
          class="btn quiet square toggle"
          aria-expanded={isOpen}
          aria-controls={moreId}
          aria-label={words.show(port.device)}
          onClick={onToggle}
        >
          <Icon name={isOpen ? 'less' : 'more'} />
        </button>
      </div>
      {port.reason === '' ? null : (
        <p class={`port-note port-${port.state}`}>
          <Icon name="warn" />
          <span>
            <bdi class="why">{sentence(port.reason)}</bdi> {port.mend === '' ? null : <bdi class="dim">{sentence(port.mend)}</bdi>}
          </span>
        </p>
      )}
      <div id={moreId} class="port-more" hidden={!isOpen}>
        {isOpen ? children : null}
      </div>
    </li>
  );
}

function Figure({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div class={isBad ? 'is-bad' : ''}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
