import { text } from '../i18n/en.ts';

export function ExplorePage() {
  return <h1>{text.nav.explore}</h1>;
}
