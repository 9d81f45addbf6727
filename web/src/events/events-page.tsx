import { text } from '../i18n/en.ts';

export function EventsPage() {
  return <h1>{text.nav.events}</h1>;
}
