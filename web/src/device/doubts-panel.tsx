// What makes a device's readings doubtful: times that cannot be right, and metrics in more than one unit. Not there while nothing does.
import { unitSymbol } from '../../../gateway/protocol/units.ts';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { metricLabel } from '../parts/value.tsx';
import type { DeviceFacts } from './use-device.ts';

export function DoubtsPanel({ facts: { series, view } }: { facts: DeviceFacts }) {
  const words = text.device.doubts;
  const byMetric = Map.groupBy(series, ({ metric }) => metric);
  const notes = [...byMetric].flatMap(([metric, its]) => {
    const suspect = its.reduce((sum, one) => sum + one.clockSuspect, 0);
    const units = its.map(({ unit }) => (unit === '' ? words.noUnit : unitSymbol(unit)));
    return [
      ...(suspect > 0 ? [words.clock(metricLabel(metric), suspect, formatNumber(suspect))] : []),
      ...(units.length > 1 ? [words.units(metricLabel(metric), units.join(', '))] : []),
    ];
  });
  if (notes.length > 0 && view?.clock === 'gateway') notes.push(words.gatewayClock);
  if (notes.length === 0) return null;
  return (
    <section class="panel doubts" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
      </header>
      <ul>
        {notes.map((note) => (
          <li key={note}>
            <bdi>{note}</bdi>
          </li>
        ))}
      </ul>
    </section>
  );
}
