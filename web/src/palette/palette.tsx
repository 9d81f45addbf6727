// The palette: one field that finds devices, pages and actions. A combobox with its list, as people who hear the page expect it: the focus
// stays in the field, the arrows move what is chosen, Enter goes there, Escape goes back.
import { useLocation } from 'preact-iso';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { DeviceView } from '../../../gateway/protocol/rest.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import '../styles/palette.css';
import { actionItems, bestFirst, pageItems } from './palette-items.ts';
import type { PaletteItem } from './palette-items.ts';
import { useDeviceHits } from './use-device-hits.ts';

interface Group {
  readonly name: string;
  readonly items: readonly PaletteItem[];
}

function deviceItem({ id, label }: DeviceView, go: (href: string) => void): PaletteItem {
  return {
    id: `device:${id}`,
    icon: 'device',
    name: label || id,
    ...(label === '' ? {} : { hint: id }),
    run: () => go(`/devices/${encodeURIComponent(id)}`),
  };
}

export function Palette({ onClose }: { onClose(): void }) {
  const { route } = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const { hits, state } = useDeviceHits(typed);
  const q = typed.trim();
  const words = text.palette;

  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);

  const go = (href: string): void => route(href);
  const devices = q === '' ? [] : hits.map((view) => deviceItem(view, go));
  const inFleet: PaletteItem[] =
    q === ''
      ? []
      : [
          {
            id: 'filter',
            icon: 'search',
            name: words.filter(q),
            run: () => go(`/?q=${encodeURIComponent(q)}`),
          },
        ];
  const groups: readonly Group[] = [
    { name: words.devices, items: devices },
    { name: words.pages, items: bestFirst(pageItems(go), q) },
    { name: words.actionsTitle, items: bestFirst(actionItems(), q) },
    { name: words.search, items: inFleet },
  ].filter(({ items }) => items.length > 0);
  const all = groups.flatMap(({ items }) => items);
  const chosen = all[Math.min(at, all.length - 1)];

  useEffect(() => {
    dialog.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen?.id]);

  const run = (item: PaletteItem | undefined): void => {
    if (item === undefined) return;
    onClose();
    void item.run();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt((Math.min(at, all.length - 1) + step + all.length) % all.length);
    else if (event.key === 'Enter') run(chosen);
    else return;
    event.preventDefault();
  };

  return (
    <dialog
      ref={dialog}
      class="dialog palette"
      aria-label={words.title}
      onCancel={onClose}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="palette-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={words.label}
          aria-expanded="true"
          aria-controls="palette-list"
          aria-autocomplete="list"
          aria-activedescendant={chosen === undefined ? undefined : `palette-${chosen.id}`}
          placeholder={words.label}
          value={typed}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="go"
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        <button type="button" class="btn quiet square" aria-label={text.close} onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div id="palette-list" class="palette-list" role="listbox" aria-label={words.results}>
        {groups.map((group) => (
          <div key={group.name} role="group" aria-label={group.name}>
            <p aria-hidden="true">{group.name}</p>
            {group.items.map((item) => (
              <div
                key={item.id}
                id={`palette-${item.id}`}
                role="option"
                aria-selected={item === chosen}
                onClick={() => run(item)}
                onPointerMove={() => {
                  if (item !== chosen) setAt(all.indexOf(item));
                }}
              >
                <Icon name={item.icon} />
                <span class="name">
                  <bdi>{item.name}</bdi> {item.hint === undefined ? null : <small class="mono">{item.hint}</small>}
                </span>
                {item.keys === undefined ? null : (
                  <span class="keys" aria-hidden="true">
                    {item.keys.split(' ').map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </span>
                )}
              </div>
            ))}
          </div>
        ))}
      </div>
      <p class="palette-foot" role="status">
        {state === 'asking'
          ? words.asking
          : state === 'failed'
            ? text.problem.unreachable
            : state === 'ready' && devices.length === 0
              ? words.noDevice(q)
              : words.count(all.length)}
      </p>
    </dialog>
  );
}
