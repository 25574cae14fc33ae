import type { Schedule } from '../../contract/schedules.ts';
import type { Row } from '../lists/list-page.ts';
import { scheduleRow } from '../rows.ts';
import { timeInWords } from '../sizes-and-times.ts';

/** As the argument of a tool. */
export const cronForm = 'UTC: minute hour day month weekday';

export interface ScheduleWords {
  words: string;
  /** UTC; empty for a one-time, suspended or unreadable schedule. */
  next: string[];
}

/** A schedule for people: `At 03:00, every day (UTC)` and its next runs. Loaded when first needed: both parsers cost start-up time. */
export async function scheduleInWords(expression: string, count: number, suspended = false): Promise<ScheduleWords> {
  if (expression === 'once') return { words: 'once', next: [] };
  const { checkCron, nextRuns } = await import('../../contract/cron.ts');
  try {
    const cron = checkCron(expression);
    const words = await wordsOf(cron);
    const runs = suspended ? [] : nextRuns(cron, new Date(), count);
    return { words: `${words} (UTC)`, next: runs.flatMap((run) => timeInWords(run.toISOString()) ?? []) };
  } catch {
    // An older or hand-made schedule that we cannot read is still shown, as it is.
    return { words: 'a schedule that cannot be read', next: [] };
  }
}

/** `At 03:00, every day`, of a cron that was checked. */
export async function wordsOf(cron: string): Promise<string> {
  const { default: cronstrue } = await import('cronstrue');
  return cronstrue.toString(cron, { use24HourTimeFormat: true, verbose: true });
}

/** A schedule as every list shows it, with its next `runs`. */
export async function scheduleRowInWords(schedule: Schedule, runs: number): Promise<Row> {
  const { words, next } = await scheduleInWords(schedule.schedule, runs, schedule.suspended);
  return scheduleRow(schedule, words, next);
}
