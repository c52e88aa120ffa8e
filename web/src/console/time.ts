import type { Where } from './documents';

const hour = 3600;
const units: Readonly<Record<string, number>> = { S: 1, M: 60, H: hour, D: 24 * hour, W: 7 * 24 * hour };

/** The seconds of an ISO 8601 duration of one unit that always has the same length; undefined for others, such as months. */
export function secondsOf(duration: string): number | undefined {
  const [, day, n, unit = ''] = /^P(?:(\d+[DW])|T(\d+)([HMS]))$/.exec(duration) ?? [];
  if (day !== undefined) return parseInt(day, 10) * (units[day.slice(-1)] ?? 0);
  return n === undefined ? undefined : Number(n) * (units[unit] ?? 0);
}

/** How long the time of a filter is, in seconds; undefined when it is open. */
export function lengthOf({ since, createdAtGTE, createdAtLT }: Where): number | undefined {
  if (typeof since === 'string') return secondsOf(since) ?? 30 * 24 * hour;
  if (typeof createdAtGTE !== 'string') return undefined;
  const end = typeof createdAtLT === 'string' ? Date.parse(createdAtLT) : Date.now();
  return (end - Date.parse(createdAtGTE)) / 1000;
}

/** An interval that gives some dozens of bars for a time of so many seconds. */
export function intervalFor(seconds: number | undefined): 'MINUTE' | 'HOUR' | 'DAY' | 'WEEK' {
  if (seconds === undefined) return 'DAY';
  if (seconds <= 3 * hour) return 'MINUTE';
  if (seconds <= 7 * 24 * hour) return 'HOUR';
  return seconds <= 400 * 24 * hour ? 'DAY' : 'WEEK';
}

/** The same filter with a beginning that stays where it is: nothing falls out of a list while it is read. */
export function fixed({ since, ...where }: Where): Where {
  const seconds = typeof since === 'string' ? secondsOf(since) : undefined;
  if (seconds === undefined) return since === undefined ? where : { ...where, since };
  return { ...where, createdAtGTE: new Date(Date.now() - seconds * 1000).toISOString() };
}
