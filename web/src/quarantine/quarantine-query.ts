// What the Quarantine page shows, as it stands in the address.
export interface QuarantineQuery {
  readonly device: string;
  readonly code: string;
  readonly text: string;
  /** The row that is open; null: none. */
  readonly row: number | null;
}
export const NO_FILTER: QuarantineQuery = { device: '', code: '', text: '', row: null };

export function readQuarantineQuery(url: string): QuarantineQuery {
  const query = new URL(url, location.origin).searchParams;
  const row = query.get('row') ?? '';
  return {
    device: query.get('device') ?? '',
    code: query.get('code') ?? '',
    text: query.get('q') ?? '',
    row: /^[1-9]\d{0,14}$/.test(row) ? Number(row) : null,
  };
}

export function writeQuarantineQuery({ device, code, text, row }: QuarantineQuery): string {
  const search = new URLSearchParams();
  if (device !== '') search.set('device', device);
  if (code !== '') search.set('code', code);
  if (text !== '') search.set('q', text);
  if (row !== null) search.set('row', String(row));
  return search.size === 0 ? '/quarantine' : `/quarantine?${search}`;
}
