import type { StatusClass } from './documents';

/** The classes in the order in which they are stacked: what went wrong stands on top. */
export const statusClasses: readonly StatusClass[] = [
  'SUCCESS',
  'INFORMATIONAL',
  'REDIRECTION',
  'OTHER',
  'CLIENT_ERROR',
  'SERVER_ERROR',
];

export const className: Readonly<Record<StatusClass, string>> = {
  INFORMATIONAL: 'Informational',
  SUCCESS: 'Success',
  REDIRECTION: 'Redirection',
  CLIENT_ERROR: 'Client error',
  SERVER_ERROR: 'Server error',
  OTHER: 'Other',
};

/** A shape beside the colour, for those who do not see it. */
export const classSign: Readonly<Record<StatusClass, string>> = {
  INFORMATIONAL: '○',
  SUCCESS: '●',
  REDIRECTION: '→',
  CLIENT_ERROR: '▲',
  SERVER_ERROR: '■',
  OTHER: '◇',
};

export function classOf(code: number): StatusClass {
  const classes: Record<number, StatusClass> = {
    1: 'INFORMATIONAL',
    2: 'SUCCESS',
    3: 'REDIRECTION',
    4: 'CLIENT_ERROR',
    5: 'SERVER_ERROR',
  };
  return classes[Math.floor(code / 100)] ?? 'OTHER';
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const counted = new Intl.NumberFormat(undefined);

export const localTime = (time: string): string => local.format(new Date(time));
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Where there is little room: the time of today, or the day. */
export function briefTime(time: string): string {
  const at = new Date(time);
  return at.toDateString() === new Date().toDateString() ? timeOfDay.format(at) : day.format(at);
}

export const number = (n: number): string => counted.format(n);
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 }).format(part / whole);

/** API_PLUGIN as people read it: API plugin. Entries have labels of their own; this is for lists of all values. */
export const words = (name: string): string => {
  const text = name.toLowerCase().replaceAll('_', ' ');
  return (text.charAt(0).toUpperCase() + text.slice(1)).replace(/\b(api|sql|llm|json)\b/gi, (short) => short.toUpperCase());
};
