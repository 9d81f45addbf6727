// Finds series by words of the device and the metric, on the server, and adds them: a list below the field, by pointer or by keys.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { SeriesFound } from '../../../gateway/protocol/rest.ts';
import { unitSymbol } from '../../../gateway/protocol/units.ts';
import { ApiError, api } from '../api.ts';
import { createScale, feedScale, formatValue } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { metricLabel } from '../parts/value.tsx';

const SHOWN = 30;
const WAIT_MS = 120;

interface Answer {
  /** That it answers. */
  readonly words: string;
  readonly items: readonly SeriesFound[];
  readonly hasMore: boolean;
  readonly failed: boolean;
}
interface SearchProps {
  readonly chosen: readonly string[];
  readonly isFull: boolean;
  readonly most: number;
  onToggle(key: string): void;
}

export function SeriesSearch({ chosen, isFull, most, onToggle }: SearchProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [words, setWords] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [answer, setAnswer] = useState<Answer | null>(null);
  /** Enter was pressed before the answer to these words was there. */
  const isEager = useRef(false);

  useEffect(() => {
    if (!isOpen) return;
    const abort = new AbortController();
    const timer = setTimeout(
      async () => {
        try {
          const found = await api.get('/v1/series', { query: { q: words.slice(0, 256), limit: SHOWN }, signal: abort.signal });
          setAnswer({ words, items: found.items, hasMore: found.next !== null, failed: false });
          setAt(0);
          const [first] = found.items;
          if (isEager.current && first !== undefined) pick(first);
          isEager.current = false;
        } catch (error) {
          if (abort.signal.aborted) return;
          if (!(error instanceof ApiError)) throw error;
          setAnswer({ words, items: [], hasMore: false, failed: true });
        }
      },
      answer === null ? 0 : WAIT_MS,
    );
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [words, isOpen]);

  const items = answer?.items ?? [];
  const option = (index: number): string => `${id}-${index}`;
  useEffect(() => {
    if (isOpen) document.getElementById(option(at))?.scrollIntoView({ block: 'nearest' });
  }, [at, isOpen]);

  function onKeyDown(event: KeyboardEvent): void {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const one = items[at];
    if (by !== undefined) {
      setOpen(true);
      setAt(Math.min(Math.max(at + by, 0), Math.max(items.length - 1, 0)));
    } else if (event.key === 'Enter' && isOpen) {
      if (answer?.words !== words) isEager.current = true;
      else if (one !== undefined) pick(one);
    } else if (event.key === 'Escape' && isOpen) setOpen(false);
    else return;
    event.preventDefault();
  }
  function pick(one: SeriesFound): void {
    const key = `${one.device}/${one.metric}`;
    if (!isFull || chosen.includes(key)) onToggle(key);
  }

  return (
    <div
      ref={box}
      class="series-search"
      onFocusOut={(event) => {
        if (!(event.relatedTarget instanceof Node && box.current?.contains(event.relatedTarget))) setOpen(false);
      }}
    >
      <label for={`${id}-field`}>{text.explore.find}</label>
      <div class="search-field">
        <Icon name="search" />
        <input
          id={`${id}-field`}
          type="text"
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={isOpen && items.length > 0 ? option(at) : undefined}
          placeholder={text.explore.findHint}
          autocomplete="off"
          spellcheck={false}
          value={words}
          onInput={(event) => {
            setWords(event.currentTarget.value);
            isEager.current = false;
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onClick={() => setOpen(true)}
          onKeyDown={onKeyDown}
        />
      </div>
      {isFull ? <p class="search-note">{text.explore.full(most)}</p> : null}
      <div class="search-results" hidden={!isOpen || answer === null}>
        {/* the list takes no focus: the field keeps it while one chooses several */}
        <ul
          id={`${id}-list`}
          role="listbox"
          aria-label={text.explore.results}
          aria-multiselectable
          onMouseDown={(event) => event.preventDefault()}
        >
          {items.map((one, index) => {
            const key = `${one.device}/${one.metric}`;
            return (
              <li
                key={key}
                id={option(index)}
                role="option"
                aria-selected={chosen.includes(key)}
                class={index === at ? 'is-at' : ''}
                data-series={key}
                title={key}
                onClick={() => pick(one)}
              >
                <Result found={one} isChosen={chosen.includes(key)} />
              </li>
            );
          })}
        </ul>
        {answer !== null && items.length === 0 ? (
          <p class="search-note" role="status">
            {answer.failed ? text.explore.searchFailed : text.explore.noMatch}
          </p>
        ) : null}
        {answer?.hasMore === true ? <p class="search-note">{text.explore.more}</p> : null}
      </div>
    </div>
  );
}

function Result({ found, isChosen }: { found: SeriesFound; isChosen: boolean }) {
  return (
    <>
      <span class="tick" aria-hidden="true">
        {isChosen ? <Icon name="check" /> : <Icon name="plus" />}
      </span>
      <span class="names">
        <b>
          <bdi>{metricLabel(found.metric)}</bdi>
        </b>
        <small>
          <bdi>{found.label === '' ? found.device : `${found.label} · ${found.device}`}</bdi>
        </small>
      </span>
      <LatestValue found={found} />
    </>
  );
}

export function LatestValue({ found }: { found: SeriesFound }) {
  const scale = createScale();
  const [, value] = found.latest;
  if (typeof value === 'number') feedScale(scale, value);
  return (
    <span class="latest">
      <bdi>{formatValue(value, scale, found.metric)}</bdi>
      {found.unit === '' ? null : <span class="unit">{unitSymbol(found.unit)}</span>}
    </span>
  );
}
