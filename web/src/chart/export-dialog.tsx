// Takes what the charts show away: every reading of it as a file from the gateway, what is drawn as a file from here, or the command that
// fetches the same.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatFull, formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Segments } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import type { ChartSeries } from './chart-series.ts';
import { rowsOf } from './reading-rows.ts';
import type { SeriesFeed } from './series-feed.ts';
import { curlCommand, exportPath, shownCsv } from './shown-file.ts';
import type { TimeAxis } from './time-axis.ts';

interface ExportProps {
  readonly feed: SeriesFeed;
  readonly axis: TimeAxis;
  readonly series: readonly ChartSeries[];
  onClose(): void;
}

export function ExportDialog({ feed, axis, series, onClose }: ExportProps) {
  // what was shown when it was opened, however long it stays open
  const [fromMs, toMs] = useMemo(() => axis.edges().map((edge, at) => (at === 0 ? Math.floor(edge) : Math.ceil(edge))), []) as [
    number,
    number,
  ];
  const rows = useMemo(() => rowsOf(feed, series, fromMs, toMs), []);
  const [format, setFormat] = useState<'csv' | 'ndjson'>('csv');
  const [drawn, setDrawn] = useState<string | null>(null);
  const path = exportPath(series, fromMs, toMs, format);
  const file = fileName(series, fromMs, format);
  const command = curlCommand(location.origin, path, file);

  useEffect(() => {
    const address = URL.createObjectURL(new Blob([shownCsv(rows)], { type: 'text/csv' }));
    setDrawn(address);
    return () => URL.revokeObjectURL(address);
  }, []);

  return (
    <Dialog title={text.export.title} onClose={onClose} isWide>
      <div class="dialog-body export">
        <p class="dim">
          {text.export.what(series.length)}
          <br />
          {formatFull(fromMs)} – {formatFull(toMs)}
        </p>
        <Segments
          label={text.export.format}
          choices={[
            { value: 'csv', label: 'CSV' },
            { value: 'ndjson', label: 'NDJSON' },
          ]}
          value={format}
          onChange={setFormat}
        />
        <div class="export-files">
          <a class="btn primary" href={path} download={file}>
            <Icon name="download" />
            {text.export.every}
          </a>
          {rows.hasBuckets ? (
            <a class="btn" href={drawn ?? ''} download={`drawn-${fileName(series, fromMs, 'csv')}`}>
              <Icon name="download" />
              {text.export.drawn(formatNumber(rows.count))}
            </a>
          ) : null}
        </div>
        <div class="snippets">
          <div class="snippets-head">
            <h3>{text.export.command}</h3>
            <CopyButton content={command} label={text.export.copy} />
          </div>
          <pre tabIndex={0} aria-label={text.export.command}>
            <code>{command}</code>
          </pre>
          <p>{text.export.key}</p>
        </div>
      </div>
    </Dialog>
  );
}

function fileName(series: readonly ChartSeries[], fromMs: number, format: string): string {
  const [first] = series;
  const of = series.length === 1 && first !== undefined ? `${first.device}-${first.metric}` : 'readings';
  return `${of.replace(/[^\w.-]+/g, '_')}-${new Date(fromMs).toISOString().slice(0, 16).replace(':', '')}.${format}`;
}
