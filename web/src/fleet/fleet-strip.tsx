// The fleet and the gateway in five figures.
import { useConnected } from '../connected.ts';
import { formatBytes, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { SampleSpark } from '../parts/spark.tsx';
import type { StateCounts } from './fleet-order.ts';

const words = text.fleet.strip;
/** With fewer, the empty database outweighs what they take. */
const TELLING_READINGS = 100_000;

function others(counts: StateCounts, all: number): string {
  const parts = [
    counts.late > 0 ? words.lateCount(formatNumber(counts.late)) : '',
    counts.silent > 0 ? words.silentCount(formatNumber(counts.silent)) : '',
    counts.asleep > 0 ? words.asleepCount(formatNumber(counts.asleep)) : '',
    counts.offline > 0 ? words.offlineCount(formatNumber(counts.offline)) : '',
    counts.suspended > 0 ? words.suspendedCount(formatNumber(counts.suspended)) : '',
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : all > 0 ? words.allLive : '';
}

export function FleetStrip({ counts, all }: { counts: StateCounts; all: number }) {
  const { stats } = useConnected();
  const now = stats.latest.value;
  const size = formatBytes(now?.bytes ?? 0);
  const unexplained = now?.unexplained ?? 0;
  return (
    <dl class="panel strip" aria-label={words.label}>
      <div>
        <dt>{words.devices}</dt>
        <dd>
          {formatNumber(counts.live)} <small class="is-live">{words.live}</small>
          <div class="mix" aria-hidden="true">
            {(['live', 'late', 'silent', 'asleep', 'offline', 'suspended'] as const).map((state) =>
              counts[state] > 0 ? <i key={state} class={`is-${state}`} style={{ flexGrow: String(counts[state]) }} /> : null,
            )}
          </div>
          <p>{others(counts, all)}</p>
        </dd>
      </div>
      <div>
        <dt>{words.readings}</dt>
        <dd>
          {now === null
            ? text.none
            : formatNumber(now.readingsPerSecond, now.readingsPerSecond < 10 && now.readingsPerSecond % 1 !== 0 ? 1 : 0)}
          <span class="unit">{words.perSecond}</span>
          <SampleSpark values={stats.rates.value} />
          <p>{now === null ? '' : words.stored(formatNumber(now.readings))}</p>
        </dd>
      </div>
      <div>
        <dt>{words.disk}</dt>
        <dd>
          {now === null || now.commitP50Ms === null ? text.none : formatNumber(now.commitP50Ms, 1)}
          {now === null || now.commitP50Ms === null ? null : <span class="unit">{words.p50}</span>}
          <p>{now === null || now.commitP99Ms === null ? words.idle : words.p99(formatNumber(now.commitP99Ms, 1))}</p>
        </dd>
      </div>
      <div>
        <dt>{words.unexplained}</dt>
        <dd>
          <span class={unexplained > 0 ? 'is-silent' : undefined}>{now === null ? text.none : formatNumber(unexplained)}</span>
          <p>{unexplained > 0 ? words.missing : words.explained}</p>
        </dd>
      </div>
      <div>
        <dt>{words.storage}</dt>
        <dd>
          {now === null ? text.none : size.figure}
          <span class="unit">{now === null ? '' : size.unit}</span>
          <p>
            {now === null || now.readings === 0
              ? words.empty
              : now.readings < TELLING_READINGS
                ? words.storedSoFar(formatNumber(now.readings), now.readings)
                : words.bytesEach(formatNumber(now.bytes / now.readings, now.bytes / now.readings < 10 ? 1 : 0))}
          </p>
        </dd>
      </div>
    </dl>
  );
}
