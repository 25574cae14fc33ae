import { timeInWords } from './sizes-and-times.ts';

export interface ScheduleWords {
  words: string;
  /** UTC; empty for a one-time, suspended or unreadable schedule. */
  next: string[];
}

/** A schedule for people: `At 03:00, every day (UTC)` and its next runs. Loaded when first needed: both parsers cost start-up time. */
export async function scheduleInWords(expression: string, count: number, suspended = false): Promise<ScheduleWords> {
  if (expression === 'once') return { words: 'once', next: [] };
  const [{ checkCron, nextRuns }, { default: cronstrue }] = await Promise.all([
    import('../contract/cron.ts'),
    import('cronstrue'),
  ]);
  try {
    const cron = checkCron(expression);
    const words = cronstrue.toString(cron, { use24HourTimeFormat: true, verbose: true });
    const runs = suspended ? [] : nextRuns(cron, new Date(), count);
    return { words: `${words} (UTC)`, next: runs.flatMap((run) => timeInWords(run.toISOString()) ?? []) };
  } catch {
    // An older or hand-made schedule that we cannot read is still shown, as it is.
    return { words: 'a schedule that cannot be read', next: [] };
  }
}
