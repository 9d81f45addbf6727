// What the Serial page shows, as it stands in the address: the ports or the workbench, and the port that is open or being tried.
export interface SerialQuery {
  readonly view: 'ports' | 'workbench';
  /** The id of a port; '' for none. */
  readonly port: string;
}

export function readSerialQuery(url: string): SerialQuery {
  const query = new URL(url, location.origin).searchParams;
  return { view: query.get('view') === 'workbench' ? 'workbench' : 'ports', port: query.get('port') ?? '' };
}

export function writeSerialQuery({ view, port }: SerialQuery): string {
  const search = new URLSearchParams();
  if (view === 'workbench') search.set('view', view);
  if (port !== '') search.set('port', port);
  return search.size === 0 ? '/serial' : `/serial?${search}`;
}
