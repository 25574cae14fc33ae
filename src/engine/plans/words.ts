import { parsePointInTime, toPointInTime } from '../../contract/time.ts';

/** Sizes and times for people, as plans and messages use them. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function durationInWords(ms: number): string {
  const steps: [number, string][] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ];
  for (const [size, unit] of steps) {
    if (ms >= 2 * size || (unit === 'second' && ms >= size)) return plural(Math.floor(ms / size), unit);
  }
  return 'less than a second';
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** `at 2026-11-22 02:00:00 UTC, 5 hours ago` */
export function ageOf(pointInTime: string | undefined, now: number): string {
  const moment = pointInTime === undefined ? undefined : (parsePointInTime(pointInTime) ?? new Date(pointInTime));
  if (moment === undefined || Number.isNaN(moment.getTime())) return 'at an unknown time';
  const age = Math.max(0, now - moment.getTime());
  return `at ${toPointInTime(moment)} UTC, ${durationInWords(age)} ago`;
}
