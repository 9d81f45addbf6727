// Which keys do what, and the switch for those who want none of them.
import { text } from '../i18n/en.ts';
import { isMac, letterKeys } from '../keys.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Check } from '../parts/form.tsx';
import { openPlaces } from '../places.ts';
import '../styles/palette.css';

function Row({ keys, says }: { keys: readonly string[]; says: string }) {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{says}</dd>
    </div>
  );
}

export function KeysDialog({ onClose }: { onClose(): void }) {
  const words = text.keys;
  return (
    <Dialog title={words.title} onClose={onClose}>
      <div class="dialog-body keys-body">
        <dl class="key-list">
          <Row keys={[isMac() ? '⌘' : 'Ctrl', 'K']} says={words.palette} />
          <Row keys={['/']} says={words.search} />
          <Row keys={['?']} says={words.this} />
          {openPlaces().map((place) => (
            <Row key={place.name} keys={['g', place.key]} says={words.go(text.nav[place.name])} />
          ))}
        </dl>
        <h3>{words.inPlots}</h3>
        <dl class="key-list">
          <Row keys={['←', '→']} says={words.read} />
          <Row keys={['+', '−']} says={words.zoom} />
          <Row keys={['Shift', '←', '→']} says={words.move} />
          <Row keys={['Esc']} says={words.leave} />
        </dl>
        <Check
          label={words.letters}
          isOn={letterKeys.value === 'on'}
          onToggle={(isOn) => {
            letterKeys.value = isOn ? 'on' : 'off';
          }}
        />
      </div>
    </Dialog>
  );
}
