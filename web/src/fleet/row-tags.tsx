// The tags of a row, as many as fit beside the device's id, and how many more there are: the id is never cut for a tag.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { text } from '../i18n/en.ts';

const GAP_PX = 6;
const MORE_PX = 24;
/** Nobody reads more in a row, and all are measured once. */
const MOST_TAGS = 6;

interface RowTagsProps {
  readonly tags: readonly string[];
  readonly onTag: (tag: string) => void;
}

/** For one set of tags: give it a key made of them. */
export function RowTags({ tags, onTag }: RowTagsProps) {
  const box = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState(Math.min(tags.length, MOST_TAGS));

  useLayoutEffect(() => {
    if (box.current === null) return;
    let widths: readonly number[] | null = null;
    // told before the first paint and at each change of width; what is dropped from the page keeps its measure
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      widths ??= [...entry.target.querySelectorAll<HTMLElement>('button')].map((button) => button.offsetWidth);
      setShown(fitting(widths, entry.contentRect.width, tags.length));
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);

  const rest = tags.slice(shown);
  return (
    <span class="row-tags" ref={box}>
      {tags.slice(0, shown).map((tag) => (
        <button type="button" class="tag" key={tag} title={text.fleet.tag(tag)} onClick={() => onTag(tag)}>
          <bdi>{tag}</bdi>
        </button>
      ))}
      {rest.length === 0 ? null : (
        <span class="more" title={rest.join(', ')}>
          {text.fleet.moreTags(rest.length)}
        </span>
      )}
    </span>
  );
}

/** How many of the first tags fit, with room for the count of the others. */
function fitting(widths: readonly number[], roomPx: number, all: number): number {
  let usedPx = 0;
  let count = 0;
  for (const width of widths) {
    usedPx += width + (count > 0 ? GAP_PX : 0);
    if (usedPx + (count + 1 < all ? GAP_PX + MORE_PX : 0) > roomPx) break;
    count++;
  }
  return count;
}
