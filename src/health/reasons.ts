import { SkybackupError } from '../contract/errors.ts';
import type { HealthReason } from '../contract/service-health.ts';
import { type Expectation, expectation, serves } from './expected-run.ts';
import type { ScheduleFacts, ServiceFacts } from './facts.ts';
import { ageInWords, momentInWords } from './words.ts';

/** Backups that can be restored by themselves; the others only roll one of these forward. */
const standAlone = ['full', 'dump', 'snapshot'];
/** Without a schedule: as long as backups are kept by default. */
const staleAfterMs = 7 * 24 * 60 * 60_000;
const oftenFailed = 3;

/** A repeated schedule and what it owes; undefined when its cron cannot be read. */
export interface Owed {
  schedule: ScheduleFacts;
  expected: Expectation | undefined;
}

export function owedBy(facts: ServiceFacts, now: number): Owed[] {
  const made = facts.drill === undefined ? facts.good : [...facts.good, facts.drill];
  return facts.schedules.map((schedule) => {
    try {
      return { schedule, expected: expectation(schedule, made, facts.running, now) };
    } catch (error) {
      // What `nextRuns` throws is the library's; ours would be a fault of another kind.
      if (error instanceof SkybackupError) throw error;
      return { schedule, expected: undefined };
    }
  });
}

/** Everything there is to say about a service's coverage, good news left out. */
export function reasonsFor(facts: ServiceFacts, owed: readonly Owed[], now: number): HealthReason[] {
  // Whoever wants a copy kept backs it up or schedules that; until then it is no reason for an alarm.
  if (facts.copiedFrom !== undefined && facts.good.length === 0 && facts.schedules.length === 0) {
    return [...failing(facts, []), copied(facts.id, facts.copiedFrom)];
  }
  const active = owed.filter(({ schedule }) => !schedule.suspended);
  return [
    ...neverBackedUp(facts, active, now),
    ...active.flatMap((each) => overdue(facts, each)),
    ...failing(facts, active),
    ...unscheduled(facts, active, now),
    ...outOfReach(facts),
    ...binlogGap(facts),
    ...disproved(facts),
    ...unproven(facts),
  ];
}

function outOfReach({ id, outOfReach: lost = [] }: ServiceFacts): HealthReason[] {
  return lost.map(({ storage, holdsBackups, why }) => ({
    level: 'warning',
    code: 'storage_out_of_reach',
    message: `Storage ${storage} is out of reach, and ${holdsBackups ? `backups of ${id} lie there: they cannot be restored now` : `backups of ${id} are to go there`}.`,
    detail: why,
    next: `Mend that, then try it out: skybackup storages check ${storage}.`,
  }));
}

function neverBackedUp({ id, good, running }: ServiceFacts, active: readonly Owed[], now: number): HealthReason[] {
  if (good.some(({ type }) => standAlone.includes(type))) return [];
  const first = active.find(({ schedule, expected }) => standAlone.includes(schedule.type) && expected?.level === 'ok');
  const begun = running.find(({ type, since }) => standAlone.includes(type) && now - since < staleAfterMs);
  const only = good.length > 0 ? ' What it has only rolls a full backup forward, and there is none.' : '';
  const due = begun === undefined ? 'is scheduled' : `runs since ${momentInWords(begun.since)}`;
  return [
    {
      level: first === undefined ? 'critical' : 'warning',
      code: 'never_backed_up',
      message: `${id} has no backup that could be restored.${only}${first || begun ? ` The first one ${due}.` : ''}`,
      next:
        first || begun
          ? 'Look again when it has ended, or take a backup now.'
          : `Take a full backup of ${id} now (of a server without a data directory here: a dump).`,
    },
  ];
}

function overdue({ id, running }: ServiceFacts, { schedule, expected }: Owed): HealthReason[] {
  const { type, trouble } = schedule;
  if (expected === undefined) {
    return [
      {
        level: 'warning',
        code: 'unreadable_schedule',
        message: `Schedule ${schedule.id} of ${id} (${type}) cannot be read: nobody knows when it is due.`,
        next: `Give schedule ${schedule.id} five cron fields in UTC.`,
      },
    ];
  }
  if (expected.due === undefined || expected.level === 'ok') return [];
  const under = running.find((each) => serves(each.type, type));
  if (type === 'drill') return [drillOverdue(id, schedule, expected, expected.due)];
  const now = under && ` One runs since ${momentInWords(under.since)}, longer than it should.`;
  const why = trouble === undefined ? '' : ' Its last run did not begin.';
  return [
    {
      level: expected.level,
      code: 'overdue',
      message: `The ${type} backup of ${id} that was due at ${momentInWords(expected.due)} (schedule ${schedule.id}) is missing, ${ageInWords(expected.overdueMs)} overdue.${now ?? why}`,
      ...(trouble === undefined ? {} : { detail: trouble }),
      next:
        under === undefined
          ? `Take a ${type} backup of ${id} now; if it fails, it says why. If it works, find out why schedule ${schedule.id} did not run.`
          : 'Look at the running backup; cancel it when it no longer goes on, and take another.',
    },
  ];
}

function drillOverdue(id: string, schedule: ScheduleFacts, { overdueMs }: Expectation, due: number): HealthReason {
  const { trouble } = schedule;
  return {
    level: 'warning',
    code: 'drill_overdue',
    message: `The drill of ${id} that was due at ${momentInWords(due)} (schedule ${schedule.id}) has proven nothing, ${ageInWords(overdueMs)} overdue.`,
    ...(trouble === undefined ? {} : { detail: trouble }),
    next: `Verify the newest backup of ${id} now: if it fails, it says why. If it works, find out why schedule ${schedule.id} did not run.`,
  };
}

function failing({ id, failed }: ServiceFacts, active: readonly Owed[]): HealthReason[] {
  return failed.map(({ type, count, at, message }) => {
    const owed = active.some(({ schedule }) => serves(type, schedule.type) || serves(schedule.type, type));
    const runs = count === 1 ? `The last ${type} backup` : `The last ${count} ${type} backups`;
    return {
      // One that somebody tried once, and that no schedule wants, is no danger.
      level: !owed ? 'note' : count >= oftenFailed ? 'critical' : 'warning',
      code: 'failing',
      message: `${runs} of ${id} failed, the newest at ${momentInWords(at)}.`,
      detail: message,
      next: `Mend that reason, then take a ${type} backup of ${id}.`,
    };
  });
}

/** Nothing repeats: the newest backup only grows older. */
function unscheduled({ id, good, schedules }: ServiceFacts, awake: readonly Owed[], now: number): HealthReason[] {
  const active = awake.filter(({ schedule }) => takesBackups(schedule));
  const suspended = schedules.filter((schedule) => schedule.suspended && takesBackups(schedule));
  const ids = suspended.map((schedule) => schedule.id).join(', ');
  const [them, are] = suspended.length === 1 ? ['it', `Schedule ${ids} is`] : ['them', `Schedules ${ids} are`];
  if (active.length > 0) {
    if (suspended.length === 0) return [];
    return [
      {
        level: 'note',
        code: 'suspended',
        message: `${are} suspended; others still back ${id} up.`,
        next: `Resume ${them} when the reason is over.`,
      },
    ];
  }
  const stale = good.length > 0 && now - Math.max(...good.map(({ at }) => at)) > staleAfterMs;
  const none =
    suspended.length === 0 ? `No schedule takes backups of ${id}.` : `${are} suspended, and no other backs ${id} up.`;
  return [
    {
      level: stale ? 'critical' : 'warning',
      code: stale ? 'stale' : suspended.length === 0 ? 'no_schedule' : 'suspended',
      message: stale ? `${none} Its newest backup is more than 7 days old.` : none,
      next:
        suspended.length === 0
          ? `Make a schedule for ${id}, for example a nightly full.${stale ? ' Take a backup now, too.' : ''}`
          : `Resume ${them}, or make another schedule.${stale ? ' Take a backup now, too.' : ''}`,
    },
  ];
}

function takesBackups({ type }: ScheduleFacts): boolean {
  return type !== 'drill';
}

/** Logs after a gap roll forward only a backup that was taken after it. */
function binlogGap({ id, good, gap }: ServiceFacts): HealthReason[] {
  if (gap === undefined) return [];
  const mended = good.some(({ type, started }) => type !== 'binarylog' && started >= gap.at);
  const from = momentInWords(gap.at);
  return [
    {
      level: mended ? 'note' : 'warning',
      code: 'binlog_gap',
      message: mended
        ? `The archived binary logs of ${id} have a gap before ${from}: recovery to a point in time cannot cross it.`
        : `The archived binary logs of ${id} begin anew at ${from}, and no backup was taken since: they roll none forward.`,
      detail: gap.detail,
      next: mended
        ? `Archive the binary logs of ${id} more often than they are purged, so that there is no other.`
        : `Take a full backup of ${id} now (of a server without a data directory here: a dump).`,
    },
  ];
}

function copied(id: string, backup: string): HealthReason {
  return {
    level: 'note',
    code: 'copy',
    message: `${id} is a copy of backup ${backup}, and nothing backs it up.`,
    next: `Remove ${id} when it is no longer needed; to keep it, make a schedule for it.`,
  };
}

function disproved({ id, disproof }: ServiceFacts): HealthReason[] {
  if (disproof === undefined) return [];
  const { backup_id, at, message, hint, unsound } = disproof;
  return [
    {
      level: unsound ? 'critical' : 'warning',
      code: 'proof_failed',
      message: unsound
        ? `Backup ${backup_id} of ${id} was found unsound at ${momentInWords(at)}, and none was proven since.`
        : `Backup ${backup_id} of ${id} could not be verified at ${momentInWords(at)}, and none was proven since.`,
      detail: message,
      next: unsound
        ? `Take a full backup of ${id} now and verify it; until one is proven, count on none that builds on this one.`
        : hint,
    },
  ];
}

function unproven({ id, good, proven, disproof }: ServiceFacts): HealthReason[] {
  if (proven !== undefined || disproof !== undefined || good.length === 0) return [];
  return [
    {
      level: 'note',
      code: 'unproven',
      message: `No known restore from a backup of ${id} has succeeded: nobody has seen that one works.`,
      next: `Verify the newest backup of ${id}, or restore it onto a service that may lose its data, once.`,
    },
  ];
}
