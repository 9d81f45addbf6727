// How full quarantine is, with what went for room and who fills it.
import type { QuarantineSizeView } from '../../../gateway/protocol/rest.ts';
import { formatBytes, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';

/** From here a device's oldest rows will soon make room for its newest. */
const NEARLY_FULL = 0.8;

const size = (bytes: number): string => {
  const { figure, unit } = formatBytes(bytes);
  return `${figure} ${unit}`;
};

export function QuarantineFill({ size: { rows, bytes, limitBytes, deviceLimitBytes, evicted, devices } }: { size: QuarantineSizeView }) {
  const words = text.quarantine;
  const [fullest] = devices;
  const share = fullest === undefined ? 0 : fullest.bytes / deviceLimitBytes;
  return (
    <div class="fill">
      <p>
        <meter min={0} max={limitBytes} high={limitBytes * NEARLY_FULL} value={bytes} aria-label={words.fill} />
        <span class="dim">{words.full(formatNumber(rows), rows, size(bytes), size(limitBytes))}</span>
        {evicted === 0 ? null : <span class="dim">· {words.evicted(formatNumber(evicted))}</span>}
      </p>
      {fullest !== undefined && share >= NEARLY_FULL ? (
        <p class="is-late">
          <bdi>{words.fullDevice(fullest.device, `${Math.min(100, Math.round(share * 100))} %`)}</bdi>
        </p>
      ) : null}
    </div>
  );
}
