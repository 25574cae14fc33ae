import { nextRuns } from '../contract/cron.ts';
import type { GoodBackup, RunningBackup, ScheduleFacts } from './facts.ts';

const minute = 60_000;
const hour = 60 * minute;

/** A run begins a little late and takes its time: what it needed before, twice, and ten minutes. */
const slackMs = 10 * minute;
/** For a type that never succeeded nobody knows how long a run takes. */
const unknownRunMs = hour;
/** A five-minute schedule that misses two runs is no emergency yet. */
const alarmAfterMs = hour;

/** Types whose backup does for a schedule of another: a scheduled incremental without a chain becomes a full. */
const alsoServes: Partial<Record<string, readonly string[]>> = { incremental: ['full'] };

/** Whether a backup of `type` is what a schedule of `wanted` was to give. */
export function serves(type: string, wanted: string): boolean {
  return type === wanted || (alsoServes[wanted]?.includes(type) ?? false);
}

export interface Expectation {
  /** The earliest run that should have given a backup by now; undefined while nothing is missing. */
  due: number | undefined;
  overdueMs: number;
  level: 'ok' | 'warning' | 'critical';
}

const met: Expectation = { due: undefined, overdueMs: 0, level: 'ok' };

/**
 * What a schedule owes at `now`; a suspended one nothing. A backup serves every run up to its own end, for one that would overlap it is skipped.
 * Missing one run is a warning; two, for an hour, are critical. A run under way is given the time that runs take.
 * Throws what `nextRuns` throws for a cron that cannot be read.
 */
export function expectation(
  schedule: ScheduleFacts,
  good: readonly GoodBackup[],
  running: readonly RunningBackup[],
  now: number,
): Expectation {
  if (schedule.suspended) return met;
  const serving = good.filter(({ type }) => serves(type, schedule.type));
  const served = Math.max(schedule.owedFrom, ...serving.map(({ ended }) => ended));
  const tolerance = serving.length === 0 ? unknownRunMs : slackMs + 2 * Math.max(...serving.map(lengthOf));
  const { quiet } = schedule;
  if (quiet !== undefined && served >= quiet.from && quiet.to + tolerance > now) return met;
  const [first, second] = nextRuns(schedule.cron, new Date(served), 2).map((run) => run.getTime());
  if (first === undefined || first + tolerance > now) return met;

  const underWay = running.some(({ type, since }) => serves(type, schedule.type) && now - since <= tolerance);
  const twice = second !== undefined && second + tolerance <= now && now - first >= alarmAfterMs;
  if (underWay && !twice) return met;
  return { due: first, overdueMs: now - first, level: twice && !underWay ? 'critical' : 'warning' };
}

function lengthOf({ started, ended }: GoodBackup): number {
  return Math.max(0, ended - started);
}
