// What of the settings is shown, as it stands in the address: the section, and what its lists are filtered by.

export const SECTIONS = ['users', 'keys', 'enrolment', 'retention', 'backup', 'certificate', 'storage', 'configuration', 'audit'] as const;
export type SectionName = (typeof SECTIONS)[number];

export interface SettingsQuery {
  /** null: none is chosen; a phone shows the list of them then. */
  readonly section: SectionName | null;
  readonly q: string;
}

export function readSettingsQuery(url: string): SettingsQuery {
  const query = new URL(url, location.origin).searchParams;
  return { section: SECTIONS.find((section) => section === query.get('section')) ?? null, q: query.get('q') ?? '' };
}

export function writeSettingsQuery({ section, q }: SettingsQuery): string {
  const search = new URLSearchParams();
  if (section !== null) search.set('section', section);
  if (q !== '') search.set('q', q);
  return search.size === 0 ? '/settings' : `/settings?${search}`;
}
