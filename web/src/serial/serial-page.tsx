// The Serial page: each port with its state and what it says, and the workbench where pasted bytes show what a rule makes of them.
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import type { SerialPortView } from '../../../gateway/protocol/rest.ts';
import { useConnected } from '../connected.ts';
import { text } from '../i18n/en.ts';
import { Empty } from '../parts/empty.tsx';
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { may } from '../session.ts';
import '../styles/serial.css';
import { base64Bytes } from './frame-text.ts';
import { PortActions } from './port-actions.tsx';
import { PortDialog } from './port-dialog.tsx';
import { PortFacts } from './port-facts.tsx';
import { PortFrames } from './port-frames.tsx';
import { PortRefusals } from './port-refusals.tsx';
import { PortRow } from './port-row.tsx';
import { PortSlaves } from './port-slaves.tsx';
import { readSerialQuery, writeSerialQuery } from './serial-query.ts';
import type { SerialQuery } from './serial-query.ts';
import { usePorts } from './use-ports.ts';
import type { Ports } from './use-ports.ts';
import { UnitOffer } from './unit-offer.tsx';
import { Workbench } from './workbench.tsx';

export function SerialPage() {
  const { fleet } = useConnected();
  const { url, route } = useLocation();
  const [isAdding, setAdding] = useState(false);
  const facts = usePorts();
  const query = readSerialQuery(url);
  const { ports } = facts;

  useEffect(() => {
    document.title = `${text.serial.title} · ${text.product}`;
    // the devices' labels
    void fleet.load();
  }, [fleet]);

  const change = (next: Partial<SerialQuery>): void => route(writeSerialQuery({ ...query, ...next }), true);
  const open = ports.filter(({ state }) => state === 'open').length;
  const addButton = may('admin') ? (
    <button type="button" class="btn primary" onClick={() => setAdding(true)}>
      <Icon name="plus" />
      {text.serial.add}
    </button>
  ) : null;
  const isBench = query.view === 'workbench';

  return (
    <>
      <div class="page-head serial-head">
        <h1>{text.serial.title}</h1>
        {ports.length > 0 && !isBench ? <span class="dim">{text.serial.ports(ports.length, open)}</span> : null}
        <div class="end">
          {may('operator') || isBench ? (
            <Segments
              label={text.serial.view}
              choices={[
                { value: 'ports', label: text.serial.views.ports },
                { value: 'workbench', label: text.serial.views.workbench },
              ]}
              value={query.view}
              onChange={(view) => change({ view })}
            />
          ) : null}
          {ports.length > 0 && !isBench ? addButton : null}
        </div>
      </div>
      {isBench ? (
        <BenchView facts={facts} query={query} onChange={change} />
      ) : (
        <PortsView facts={facts} query={query} onChange={change}>
          {addButton}
        </PortsView>
      )}
      <UnitOffer />
      {isAdding ? (
        <PortDialog
          id={null}
          settings={null}
          onClose={() => setAdding(false)}
          onSaved={(made) => {
            facts.refresh();
            change({ port: made.id });
          }}
        />
      ) : null}
    </>
  );
}

interface ViewProps {
  readonly facts: Ports;
  readonly query: SerialQuery;
  readonly onChange: (next: Partial<SerialQuery>) => void;
  readonly children?: preact.ComponentChildren;
}

function PortsView({ facts, query, onChange, children }: ViewProps) {
  const { phase, ports, fault, rates, refresh } = facts;
  if (phase === 'loading') return <div class="skeleton" role="status" aria-label={text.loading} />;
  if (phase === 'failed') {
    return (
      <Empty title={text.serial.loadFailed} body={fault}>
        <button type="button" class="btn" onClick={refresh}>
          {text.serial.again}
        </button>
      </Empty>
    );
  }
  if (ports.length === 0) {
    return (
      <Empty title={text.serial.empty.title} body={may('admin') ? text.serial.empty.admin : text.serial.empty.other}>
        {children}
      </Empty>
    );
  }
  return (
    <ul class="panel ports" aria-label={text.serial.list}>
      {ports.map((port) => (
        <PortRow
          key={port.id}
          port={port}
          rates={rates.get(port.id) ?? []}
          isOpen={port.id === query.port}
          onToggle={() => onChange({ port: port.id === query.port ? '' : port.id })}
        >
          <OpenPort port={port} onChanged={refresh} />
        </PortRow>
      ))}
    </ul>
  );
}

function OpenPort({ port, onChanged }: { port: SerialPortView; onChanged(): void }) {
  return (
    <>
      <div class="port-main">
        <PortSlaves slaves={port.slaves} />
        <PortFrames key={port.id} port={port} />
      </div>
      <div class="port-side">
        <PortFacts port={port} />
        {may('operator') && port.device !== '' ? <PortRefusals key={port.device} device={port.device} /> : null}
        <PortActions port={port} onChanged={onChanged} />
      </div>
    </>
  );
}

function BenchView({ facts, query, onChange }: ViewProps) {
  if (!may('operator')) return <Empty title={text.serial.workbench.forbidden.title} body={text.serial.workbench.forbidden.body} />;
  if (facts.phase === 'loading') return <div class="skeleton" role="status" aria-label={text.loading} />;
  return (
    <Workbench
      ports={facts.ports}
      chosen={query.port}
      begin={query.bytes === '' ? query.line : base64Bytes(query.bytes)}
      refused={query.refused}
      onChoose={(port) => onChange({ port })}
      onSaved={facts.refresh}
    />
  );
}
