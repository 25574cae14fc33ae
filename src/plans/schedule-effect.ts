import type { BackupType } from '../contract/backups.ts';
import { checkCron, nextRuns, once } from '../contract/cron.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Schedule, SchedulePatch } from '../contract/schedules.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Long enough to see the months' different lengths; a yearly cron shows its gap because a run past the end is counted too. */
const horizonDays = 400;

/** Type changes that keep all protection; every other one gives something up. */
const harmlessTypes: Partial<Record<string, readonly BackupType[]>> = { incremental: ['full'], dump: ['full'] };

const lostWith: Record<string, string> = {
  full: 'no full backup is taken any more, and incrementals and point-in-time recovery need one',
  incremental: 'the small backups between the full ones are not taken any more',
  binarylog: 'binary logs are not archived any more, so the moments between backups can no longer be restored',
  dump: 'no logical dump is taken any more, and what replaces it depends on other backups or on the server itself',
  snapshot: 'no snapshot is taken any more, and point-in-time recovery in the cloud needs them',
};

/**
 * What protection a change to a schedule takes away, as sentences for a person; empty when nothing drops.
 * Computed from the runs that will really happen, not from the cron text, and also for a suspended schedule: thinning it
 * while it sleeps and waking it later must not slip through. Throws `invalid_schedule` for a new cron that is none.
 */
export function weakened(before: Schedule, patch: SchedulePatch, now: Date = new Date()): string[] {
  const sentences: string[] = [];
  if (patch.suspended === true && before.suspended !== true) {
    const idle = before.type === 'drill' ? 'nothing is proven' : 'no backup is taken';
    sentences.push(`The schedule is suspended: ${idle} by it until it is resumed.`);
  }
  if (patch.schedule !== undefined && patch.schedule !== before.schedule && before.schedule !== once) {
    sentences.push(...thinned(before.schedule, patch.schedule, now));
  }
  const { backup_type: to } = patch;
  if (to !== undefined && to !== before.type && !harmlessTypes[before.type]?.includes(to)) {
    const lost = lostWith[before.type] ?? 'what it protected is not protected by it any more';
    sentences.push(`The type changes from ${before.type} to ${to}: ${lost}.`);
  }
  return sentences;
}

function thinned(oldCron: string, newCron: string, now: Date): string[] {
  const after = rhythmOf(checkCron(newCron), now);
  let before: Rhythm;
  try {
    before = rhythmOf(checkCron(oldCron), now);
  } catch (error) {
    if (!(error instanceof SkybackupError)) throw error;
    return ['The old schedule cannot be read, so nobody can tell whether the new one protects as well.'];
  }
  if (after.longestGapMs > before.longestGapMs) {
    return [
      `The longest time without a backup grows from ${inWords(before.longestGapMs)} to ${inWords(after.longestGapMs)}.`,
    ];
  }
  // Where the horizon cuts a month or a year is no loss. Of the runs in a day none is given: many small steps would thin it all.
  const isCut = after.days >= Math.min(before.days * 0.9, before.days - 1);
  const runs = (isCut ? Math.max(before.days, after.days) : after.days) * after.timesADay;
  const earlier = before.days * before.timesADay;
  return runs < earlier ? [`Backups become fewer: about ${perWeek(runs)} a week instead of ${perWeek(earlier)}.`] : [];
}

interface Rhythm {
  longestGapMs: number;
  /** Days within the horizon on which there are runs, and how many on each. */
  days: number;
  timesADay: number;
}

/**
 * A five-field cron runs at the same times on each of its days, and UTC has no daylight saving: so one day's runs and the
 * days on which there are any describe all of them. That is a few hundred steps, where minute by minute would be half a million.
 */
function rhythmOf(cron: string, now: Date): Rhythm {
  const start = Math.floor(now.getTime() / day) * day + day;
  const end = start + horizonDays * day;
  const firstOnOrAfter = (time: number): number => {
    const [run] = nextRuns(cron, new Date(time - 1), 1);
    if (run === undefined) throw new SkybackupError('invalid_schedule', `"${cron}" never runs.`);
    return run.getTime();
  };

  const first = firstOnOrAfter(start);
  const times = timesOfDay(cron, first);
  const lastTime = times.at(-1) ?? 0;
  let longestGapMs = Math.max(0, ...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
  let days = 0;
  // The run after the horizon closes the last gap; a cron rarer than the horizon still gets one whole gap.
  for (let run = first; run < end || days === 0; ) {
    const dayStart = Math.floor(run / day) * day;
    const next = firstOnOrAfter(dayStart + day);
    longestGapMs = Math.max(longestGapMs, next - (dayStart + lastTime));
    if (run < end) days += 1;
    else break;
    run = next;
  }
  return { longestGapMs, days, timesADay: times.length };
}

function timesOfDay(cron: string, first: number): number[] {
  const dayStart = Math.floor(first / day) * day;
  const times = [first];
  // In growing steps: most crons run a few times a day, and reading one again for each of 1,440 runs would be slow.
  for (let count = 4; ; count *= 4) {
    const more = nextRuns(cron, new Date(times.at(-1) ?? first), count).map((run) => run.getTime());
    times.push(...more.filter((run) => run < dayStart + day));
    if ((more.at(-1) ?? 0) >= dayStart + day) return times.map((run) => run - dayStart);
  }
}

function inWords(ms: number): string {
  const [amount, unit] =
    ms >= 2 * day ? [ms / day, 'days'] : ms >= 2 * hour ? [ms / hour, 'hours'] : [ms / minute, 'minutes'];
  return `${Math.round(amount * 10) / 10} ${unit}`;
}

function perWeek(runs: number): string {
  const rate = (runs * 7) / horizonDays;
  return rate >= 1 ? String(Math.round(rate)) : rate.toFixed(2);
}
