// What the Serial page shows, as it stands in the address: the ports or the workbench, and the port that is open or being tried; a line
// that came from quarantine is tried there.
export interface SerialQuery {
  readonly view: 'ports' | 'workbench';
  /** The id of a port; '' for none. */
  readonly port: string;
  /** What the workbench begins with: text, or bytes as base64; '' for neither. */
  readonly line: string;
  readonly bytes: string;
  /** The row of quarantine that it is from. */
  readonly refused: number | null;
}

export function readSerialQuery(url: string): SerialQuery {
  const query = new URL(url, location.origin).searchParams;
  const refused = query.get('refused') ?? '';
  return {
    view: query.get('view') === 'workbench' ? 'workbench' : 'ports',
    port: query.get('port') ?? '',
    line: query.get('line') ?? '',
    bytes: query.get('bytes') ?? '',
    refused: /^[1-9]\d{0,14}$/.test(refused) ? Number(refused) : null,
  };
}

export function writeSerialQuery({
  view,
  port,
  line = '',
  bytes = '',
  refused = null,
}: Pick<SerialQuery, 'view' | 'port'> & Partial<SerialQuery>): string {
  const search = new URLSearchParams();
  if (view === 'workbench') search.set('view', view);
  if (port !== '') search.set('port', port);
  if (view === 'workbench') {
    if (line !== '') search.set('line', line);
    if (bytes !== '') search.set('bytes', bytes);
    if (refused !== null) search.set('refused', String(refused));
  }
  return search.size === 0 ? '/serial' : `/serial?${search}`;
}
