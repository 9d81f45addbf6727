import { text } from '../i18n/en.ts';

export function SettingsPage() {
  return <h1>{text.nav.settings}</h1>;
}
