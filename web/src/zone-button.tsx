// Times in the browser's zone or in UTC: says which, and changes over.
import { text } from './i18n/en.ts';
import { changeZone, isUtc, zoneName } from './zone.ts';

export function ZoneButton() {
  const label = text.nav.zone(zoneName(), isUtc.value);
  return (
    <button type="button" class="zone" aria-label={label} title={label} onClick={changeZone}>
      {zoneName()}
    </button>
  );
}
