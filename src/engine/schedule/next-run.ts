import { nextRuns, once } from '../../contract/cron.ts';

/** When a schedule is due next after `from` (exclusive), in milliseconds; undefined for a one-time one. */
export function nextRunAfter(schedule: string, from: number): number | undefined {
  return schedule === once ? undefined : nextRuns(schedule, new Date(from), 1)[0]?.getTime();
}

/** A run this much after its moment was missed (the daemon was down or asleep), not merely late. */
export const missedAfterMs = 2 * 60_000;
/** Clock corrections smaller than this are no jump: a run that was just served must not be served again. */
export const jumpMs = 5 * 60_000;
