/**
 * JSON without loss of digits.
 *
 * The journal keeps the text of every number in a payload (`1.10`, `12345678901234567890`), JavaScript's numbers do
 * not. Where a number would print differently from how it was sent, it is kept as its own text, which JSON.stringify
 * writes back unchanged. Browsers without JSON.rawJSON show such a number rounded.
 */

interface ReviverContext {
  readonly source?: string;
}

type RawJSON = (text: string) => unknown;

const rawJSON = (JSON as { rawJSON?: RawJSON }).rawJSON;

/** Reviver for JSON.parse that keeps numbers as they were written. */
export function keepNumbers(_key: string, value: unknown, context?: ReviverContext): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || rawJSON === undefined || String(value) === source) {
    return value;
  }
  return rawJSON(source);
}

export type JSONObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
