// Search, states and tags as chips with their counts, and the order on phones. What is chosen stands in the address.
import { useState } from 'preact/hooks';
import { formatNumber } from '../format.ts';
import { text } from '../i18n/en.ts';
import { Icon } from '../parts/icon.tsx';
import { StateDot } from '../parts/state-mark.tsx';
import type { StateCounts, TagCount } from './fleet-order.ts';
import { SORT_KEYS } from './fleet-query.ts';
import type { FleetQuery, SortKey } from './fleet-query.ts';

interface FleetFiltersProps {
  readonly query: FleetQuery;
  readonly counts: StateCounts;
  readonly tags: readonly TagCount[];
  readonly all: number;
  readonly onChange: (query: FleetQuery) => void;
}

/** Offered at once; the others on demand. */
const FIRST_TAGS = 8;
const ALWAYS = new Set(['live', 'late', 'silent', 'offline']);

export function FleetFilters({ query, counts, tags, all, onChange }: FleetFiltersProps) {
  // a state nobody is in needs no chip, except the usual ones and the one chosen
  const states = (['live', 'late', 'silent', 'asleep', 'offline', 'suspended'] as const).filter(
    (state) => ALWAYS.has(state) || counts[state] > 0 || query.state === state,
  );
  return (
    <div class="filters">
      <input
        class="phone-search"
        type="search"
        aria-label={text.nav.search}
        placeholder={text.nav.searchShort}
        value={query.q}
        onInput={(event) => onChange({ ...query, q: event.currentTarget.value })}
        autocomplete="off"
        spellcheck={false}
        dir="auto"
      />
      <div class="chips" role="group" aria-label={text.fleet.filter}>
        <button type="button" class="chip" aria-pressed={query.state === null} onClick={() => onChange({ ...query, state: null })}>
          {text.fleet.all} <b>{formatNumber(all)}</b>
        </button>
        {states.map((state) => (
          <button
            type="button"
            key={state}
            class="chip"
            aria-pressed={query.state === state}
            onClick={() => onChange({ ...query, state: query.state === state ? null : state })}
          >
            <StateDot state={state} />
            {text.state[state]} <b>{formatNumber(counts[state])}</b>
          </button>
        ))}
      </div>
      <TagChips query={query} tags={tags} onChange={onChange} />
      <div class="sort">
        <select
          aria-label={text.fleet.sortBy}
          value={query.sort}
          onChange={(event) => onChange({ ...query, sort: event.currentTarget.value as SortKey })}
        >
          {SORT_KEYS.map((key) => (
            <option key={key} value={key}>
              {text.fleet.sort[key]}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="btn square"
          aria-label={query.isDescending ? text.fleet.descending : text.fleet.ascending}
          title={query.isDescending ? text.fleet.descending : text.fleet.ascending}
          onClick={() => onChange({ ...query, isDescending: !query.isDescending })}
        >
          <Icon name={query.isDescending ? 'down' : 'up'} />
        </button>
      </div>
    </div>
  );
}

function TagChips({ query, tags, onChange }: Pick<FleetFiltersProps, 'query' | 'tags' | 'onChange'>) {
  const [isWhole, setWhole] = useState(false);
  if (tags.length === 0 && query.tags.length === 0) return null;
  const chosen = query.tags.map((tag) => tags.find((one) => one.tag === tag) ?? { tag, count: 0 });
  const offered = tags.filter(({ tag }) => !query.tags.includes(tag));
  const shown = isWhole ? offered : offered.slice(0, Math.max(0, FIRST_TAGS - chosen.length));
  const toggle = (tag: string): void =>
    onChange({ ...query, tags: query.tags.includes(tag) ? query.tags.filter((one) => one !== tag) : [...query.tags, tag] });
  return (
    <div class="chips tags" role="group" aria-label={text.fleet.tags}>
      {[...chosen, ...shown].map(({ tag, count }) => {
        const isOn = query.tags.includes(tag);
        return (
          <button
            type="button"
            key={tag}
            class="chip"
            aria-pressed={isOn}
            title={isOn ? text.fleet.dropTag(tag) : text.fleet.tag(tag)}
            onClick={() => toggle(tag)}
          >
            <bdi>{tag}</bdi> <b>{formatNumber(count)}</b>
            {isOn ? <Icon name="close" /> : null}
          </button>
        );
      })}
      {offered.length > shown.length ? (
        <button type="button" class="chip" onClick={() => setWhole(true)}>
          {text.fleet.allTags(offered.length - shown.length)}
        </button>
      ) : null}
    </div>
  );
}
