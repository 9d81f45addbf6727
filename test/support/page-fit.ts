// What a careful eye would find on a page, found by script: text that is cut without a word, things to press that lie over one another or
// are too small for a finger, figures that would jump. What runs in the page is text: its types are the browser's. One line a fault.

import type { Page } from 'playwright-core';

const TOUCH_PX = 44;
const LEAST_PX = 24;

const SCRIPT = String.raw`(touchPx, leastPx) => {
  const faults = [];
  const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
  const root = dialog ?? document.body;
  const name = (element) => {
    const words = (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40);
    const shape = typeof element.className === 'string' && element.className !== '' ? '.' + element.className.trim().replace(/\s+/g, '.') : '';
    return element.tagName.toLowerCase() + shape + ' “' + words + '”';
  };
  const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const isOffScreen = (element) => element.closest('.off-screen, .skip') !== null;
  const isInRoot = (element) => (dialog ? true : element.closest('dialog:not([open])') === null);

  const pinned = new Map();
  const pin = (element) => {
    for (let at = element; at !== null && at !== root; at = at.parentElement) {
      const { position } = getComputedStyle(at);
      if (position === 'fixed' || position === 'sticky') return at;
    }
    return null;
  };
  // how much of a box is seen through all the boxes that clip it
  const seenBox = (element) => {
    let { left, top, right, bottom } = element.getBoundingClientRect();
    for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflowX === 'visible' && style.overflowY === 'visible') continue;
      const box = at.getBoundingClientRect();
      left = Math.max(left, box.left);
      right = Math.min(right, box.right);
      top = Math.max(top, box.top);
      bottom = Math.min(bottom, box.bottom);
    }
    return { left, top, right, bottom };
  };

  for (const element of root.querySelectorAll('*')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (own.length === 0 || !isShown(element) || isOffScreen(element) || !isInRoot(element) || element.closest('svg, noscript, option') !== null) continue;
    const style = getComputedStyle(element);
    const words = own.map((node) => node.data).join(' ');
    if (/\d/.test(words) && !style.fontVariantNumeric.includes('tabular-nums') && !/mono/i.test(style.fontFamily)) faults.push('figures jump: ' + name(element));
    const box = element.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) continue;
    // the box that cuts this text, if one does
    for (let at = element; at !== null && at !== document.documentElement; at = at.parentElement) {
      const shape = getComputedStyle(at);
      if (shape.display === 'inline' || shape.display === 'contents') continue;
      const scrolls = /auto|scroll/.test(shape.overflowX);
      if (scrolls) break;
      if (/hidden|clip/.test(shape.overflowX)) {
        // one pixel: for those who hear the page
        if (at.clientWidth > 2 && at.scrollWidth > at.clientWidth + 1) {
          const range = document.createRange();
          range.selectNodeContents(element);
          const isCut = range.getBoundingClientRect().right > at.getBoundingClientRect().right + 1;
          const isTold = element.closest('[title]') !== null || at.querySelector('[title]') !== null;
          if (isCut && !(shape.textOverflow === 'ellipsis' && isTold)) faults.push((shape.textOverflow === 'ellipsis' ? 'cut without a title: ' : 'cut: ') + name(element));
        }
        break;
      }
      if (at === document.body) break;
    }
    const range = document.createRange();
    range.selectNodeContents(element);
    const text = range.getBoundingClientRect();
    const scroller = (() => {
      for (let at = element.parentElement; at !== null; at = at.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX)) return at;
      return null;
    })();
    if (scroller === null && (text.right > innerWidth + 1 || text.left < -1)) faults.push('beside the window: ' + name(element));
  }

  const pressed = [...root.querySelectorAll('a[href], button, input, select, textarea, summary, [role="option"], [tabindex="0"]')].filter(
    (element) => isShown(element) && !isOffScreen(element) && isInRoot(element) && !element.closest('[inert]'),
  );
  const boxes = pressed.map((element) => {
    // what is ticked is pressed by its label
    const label = element.matches('input[type="checkbox"], input[type="radio"]') ? element.closest('label') : null;
    const target = label ?? element;
    return { element, box: seenBox(target), whole: target.getBoundingClientRect(), pin: pin(element) };
  });
  for (const { element, box, whole } of boxes) {
    if (box.right - box.left < 1 || box.bottom - box.top < 1) continue;
    const isInText = element.matches('a, button.text-link, button.zone') && (getComputedStyle(element).display === 'inline' || element.closest('p, li, dd, td, .sub, .crumbs, .kv') !== null);
    if (isInText) continue;
    const isSmallThing = element.matches('.tag, a.name, .row .name, [role="columnheader"] button, th button') || element.closest('[role="row"], table, .wall') !== null;
    const least = innerWidth <= 640 && !isSmallThing ? touchPx : leastPx;
    if (whole.height < least - 0.5) faults.push('only ' + whole.height.toFixed(0) + ' px high: ' + name(element));
    if (whole.width < leastPx - 0.5) faults.push('only ' + whole.width.toFixed(0) + ' px wide: ' + name(element));
  }
  for (let i = 0; i < boxes.length; i++) {
    for (let k = i + 1; k < boxes.length; k++) {
      const a = boxes[i], b = boxes[k];
      if (a.pin !== b.pin || a.element.contains(b.element) || b.element.contains(a.element)) continue;
      // a button that stands in its field, on purpose
      const isInField = (field, other) => field.matches('input, select, textarea') && field.parentElement?.contains(other);
      if (isInField(a.element, b.element) || isInField(b.element, a.element)) continue;
      const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (width > 2 && height > 2) faults.push('lie over each other: ' + name(a.element) + ' and ' + name(b.element));
    }
  }
  return [...new Set(faults)];
}`;

export const misfits = (page: Page): Promise<string[]> => page.evaluate(`(${SCRIPT})(${TOUCH_PX}, ${LEAST_PX})`);

/** Pairs of a text colour and a ground that canvases and pages use, with less contrast than people with weak eyes need. */
export const faintColours = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
    const probe = document.body.appendChild(document.createElement('i'));
    const rgb = (token) => {
      probe.style.color = 'var(' + token + ')';
      context.fillStyle = getComputedStyle(probe).color;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (token) => {
      const [r, g, b] = rgb(token).map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faint = [];
    const check = (colour, ground, least) => {
      const [high, low] = [light(colour), light(ground)].sort((a, b) => b - a);
      const contrast = (high + 0.05) / (low + 0.05);
      if (contrast < least) faint.push(colour + ' on ' + ground + ': ' + contrast.toFixed(2));
    };
    for (const ground of ['--paper', '--panel', '--raised', '--sunken']) {
      for (const ink of ['--ink', '--ink-2', '--ink-3', '--accent', '--live', '--late', '--silent', '--gone', '--rest']) check(ink, ground, 4.5);
      for (const line of ['--s1', '--s2', '--s3', '--s4', '--field-line']) check(line, ground, line === '--field-line' ? 1.5 : 3);
    }
    check('--accent-ink', '--accent', 4.5);
    probe.remove();
    return faint;
  })()`);
