import { useEffect } from 'react';
import { go } from './address';
import { scrollerID } from './entries';
import { searchID } from './filter-bar';
import type { JournalStore } from './journal';

const typed = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;

/** Keys that scroll. */
const scrolls = new Set(['Home', 'End', 'PageUp', 'PageDown', 'ArrowUp', 'ArrowDown', ' ']);

/**
 * What has the focus loses it when it is scrolled out of the page. Keys that scroll are for the entries then, and so is the focus.
 */
function scrollEntries(event: KeyboardEvent, scroller: HTMLElement): void {
  scroller.focus({ preventScroll: true });
  if (event.key !== 'Home' && event.key !== 'End') return;
  event.preventDefault();
  scroller.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: true }));
}

/** j and k go to the next and the previous entry, Enter to the first in sight, / to the search, Escape closes the details. */
export function useKeys(store: JournalStore, chosen: string): void {
  useEffect(() => {
    const step = async (by: number) => {
      const at = chosen === '' ? undefined : store.rowOf(chosen);
      const row = at === undefined ? store.firstInSight : at + by;
      if (row < 0) return;
      const next = store.at(row) ?? (await store.fetch(row));
      if (next) go({ entry: next.key }, { replace: chosen !== '' });
    };
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape') {
        if (typed(event.target)) (event.target as HTMLElement).blur();
        else if (chosen !== '') go({ entry: '' });
        return;
      }
      if (typed(event.target)) return;
      const scroller = document.getElementById(scrollerID);
      if (event.target === document.body && scroller && scrolls.has(event.key)) {
        scrollEntries(event, scroller);
        return;
      }
      if (event.key === 'j') void step(1);
      else if (event.key === 'k') void step(-1);
      else if (event.key === 'Enter' && chosen === '' && event.target === document.body) void step(0);
      else if (event.key === '/') document.getElementById(searchID)?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => {
      removeEventListener('keydown', listen);
    };
  }, [store, chosen]);
}
