import { text } from '../i18n/en.ts';

export function QuarantinePage() {
  return <h1>{text.nav.quarantine}</h1>;
}
