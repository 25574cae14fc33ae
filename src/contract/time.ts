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
