import { useEffect } from 'react';
import { go } from './address';
import type { Row } from './documents';

const typed = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;

/** j and k go to the next and the previous entry, Enter to the first, / to the filters, Escape closes the details. */
export function useKeys(rows: readonly Row[], chosen: string): void {
  useEffect(() => {
    const step = (by: number) => {
      const at = rows.findIndex(({ key }) => key === chosen);
      const next = rows[at < 0 ? 0 : at + by];
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
      if (event.key === 'j') step(1);
      else if (event.key === 'k') step(-1);
      else if (event.key === 'Enter' && chosen === '' && event.target === document.body) step(0);
      else if (event.key === '/') document.getElementById('filter-user')?.focus();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => {
      removeEventListener('keydown', listen);
    };
  }, [rows, chosen]);
}
