/**
 * JSON without loss of digits, through libraries that parse it as they please.
 *
 * The journal keeps the text of every number in a payload (`1.10`, `12345678901234567890`), JavaScript's numbers do not. So
 * numbers that would print differently travel as strings that begin with a mark, which nobody outside this page knows.
 */

const mark = `number ${crypto.getRandomValues(new Uint32Array(4)).join('-')} `;

type RawJSON = (text: string) => unknown;

const rawJSON = (JSON as { rawJSON?: RawJSON }).rawJSON;

function toMark(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value !== 'number' || source === undefined || String(value) === source ? value : mark + source;
}

/** The same JSON, its numbers marked where they need it. Browsers that do not tell how a number was written round it. */
export const markNumbers = (text: string): string => JSON.stringify(JSON.parse(text, toMark));

/** The text of a number that was marked; undefined for all else. */
export const markedNumber = (value: unknown): string | undefined =>
  typeof value === 'string' && value.startsWith(mark) ? value.slice(mark.length) : undefined;

/** A value as JSON to be read, its numbers as they were written. */
export function print(value: unknown): string {
  const unmark = (_key: string, inner: unknown) => {
    const text = markedNumber(inner);
    return text === undefined ? inner : (rawJSON?.(text) ?? Number(text));
  };
  return JSON.stringify(value, unmark, 2);
}
