/** `YYYY-MM-DD HH:MM:SS` in UTC, the contract's form of `point_in_time`. Sub-second precision is dropped. */
export function toPointInTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** RFC 3339 with `Z` and whole seconds, the contract's form of `start_time` and `end_time`. */
export function toRfc3339(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

const pointInTimePattern = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})$/;

/** Parses `YYYY-MM-DD HH:MM:SS` as UTC; undefined when it is not one or names no real moment (2026-02-30). */
export function parsePointInTime(text: string): Date | undefined {
  if (!pointInTimePattern.test(text)) return undefined;
  const date = new Date(`${text.replace(' ', 'T')}Z`);
  return Number.isNaN(date.getTime()) || toPointInTime(date) !== text ? undefined : date;
}

/** A moment as people and programs write it: `YYYY-MM-DD HH:MM:SS` (UTC), or RFC 3339 with a zone, fractions allowed. */
export function parseMoment(text: string): Date | undefined {
  const [, day, time, fraction = '', zone] =
    /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/i.exec(text) ?? [];
  // With a T and no zone nobody can tell which is meant.
  if (day === undefined || (zone === undefined && text.includes('T'))) return undefined;
  const plain = parsePointInTime(`${day} ${time}`);
  if (plain === undefined) return undefined;
  const moment = new Date(`${day}T${time}${fraction.slice(0, 4)}${zone?.toUpperCase() ?? 'Z'}`);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

/**
 * A moment as any revision of the API prints it: both of the contract's forms, a zone or none (then UTC), fractions. Undefined for
 * anything else, and for the year 1 that stands for "not yet" where the cloud is written in Go.
 */
export function readTime(time: string | undefined): Date | undefined {
  if (time === undefined || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(time)) return undefined;
  const text = time.trim().replace(/ UTC$/, '').replace(' ', 'T');
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1970 ? undefined : date;
}
