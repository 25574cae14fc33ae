const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `93` minutes as `93 minutes`, 50 hours as `2 days`: one unit, for a person in a hurry. */
export function ageInWords(ms: number): string {
  const [size, unit] = ms >= 2 * day ? [day, 'day'] : ms >= 2 * hour ? [hour, 'hour'] : [minute, 'minute'];
  const count = Math.floor(Math.max(0, ms) / size);
  return count === 0 ? 'less than a minute' : `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** `2026-11-22 02:00 UTC` */
export function momentInWords(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
