import { offsetAt, wallClock } from '../find/zone.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** A year and a little more: both changes of a zone lie in it. */
const horizon = 380 * day;

export interface ClockChange {
  /** From this instant on. */
  at: number;
  /** Milliseconds ahead of UTC, before and after. */
  before: number;
  after: number;
}

/** When the clocks of a zone are changed within a year from `from`. */
export function clockChanges(zone: string, from: number): ClockChange[] {
  const changes: ClockChange[] = [];
  let before = offsetAt(from, zone);
  for (let start = from; start < from + horizon; start += day) {
    const after = offsetAt(start + day, zone);
    if (after !== before) changes.push({ at: turnBetween(zone, start, start + day, before), before, after });
    before = after;
  }
  return changes;
}

function turnBetween(zone: string, from: number, to: number, before: number): number {
  let [low, high] = [from, to];
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, zone) === before) low = middle;
    else high = middle;
  }
  return Math.floor(high / 1000) * 1000;
}

/** `Thu 2026-11-26 04:00`, by the clocks of the zone. */
export function localTime(instant: number, zone: string): string {
  const shown = new Date(wallClock(instant, zone));
  const weekday = shown.toLocaleDateString('en-GB', { weekday: 'short', timeZone: 'UTC' });
  return `${weekday} ${shown.toISOString().slice(0, 16).replace('T', ' ')}`;
}

/** `28 March 2027`, by the clocks of the zone. */
export function localDate(instant: number, zone: string): string {
  const options = { day: 'numeric', month: 'long', year: 'numeric', timeZone: zone } as const;
  return new Date(instant).toLocaleDateString('en-GB', options);
}

/** What the changes of a year do to a run in UTC: `03:00 UTC is 04:00 in Europe/Berlin until 28 March 2027, then 05:00`. */
export function drift(run: number, zone: string, from: number): string {
  const clock = (offset: number): string => new Date(run + offset).toISOString().slice(11, 16);
  const utc = `${clock(0)} UTC`;
  const [first, second] = clockChanges(zone, from);
  if (first === undefined)
    return `${utc} is ${clock(offsetAt(from, zone))} in ${zone} all year: its clocks do not change.`;
  const back = second === undefined ? '' : `, and from ${localDate(second.at, zone)} ${clock(second.after)}`;
  return `${utc} is ${clock(first.before)} in ${zone} until ${localDate(first.at, zone)}, then ${clock(first.after)}${back}.`;
}
