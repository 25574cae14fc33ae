import type { Backup } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import { classifyStatus } from '../../contract/status.ts';
import { takenAt } from '../find/backup.ts';
import { serviceLabel } from '../find/service.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

/** The way back from a restore that the cloud cannot undo: a backup of the target itself, not older than this. */
const freshMs = 60 * 60_000;
/** Clocks of one cloud differ by a little. */
const slackMs = 5 * 60_000;
/** What can be restored by itself. */
const wholeTypes = ['full', 'dump', 'snapshot'];

/** The newest whole backup among a service's own, if it is fresh by the cloud's own clock. */
export function safetyBackupOf(own: readonly Backup[], now: Date): Backup | undefined {
  const newest = newestWhole(own, now);
  return newest !== undefined && now.getTime() - takenAt(newest) <= freshMs ? newest : undefined;
}

/** One from the cloud's future is of a clock that nobody can trust: it may be days old, and must not hide a fresh one either. */
function newestWhole(own: readonly Backup[], now: Date): Backup | undefined {
  return own
    .filter(({ status, type }) => classifyStatus(status) === 'done' && wholeTypes.includes(type))
    .filter((backup) => takenAt(backup) <= now.getTime() + slackMs)
    .sort((a, b) => takenAt(b) - takenAt(a))[0];
}

/** Said instead of a plan: what comes first, and how a person decides otherwise. Nothing is changed and nothing is kept. */
export function safetyBackupFirst(target: Service, own: readonly Backup[], now: Date): SkybackupError {
  const newest = newestWhole(own, now);
  const has =
    newest === undefined
      ? 'it has none'
      : `its newest is of ${timeInWords(newest.point_in_time ?? newest.start_time) ?? 'an unknown moment'}`;
  const off = target.status === 'stopped' || target.status === 'failed';
  const first = off
    ? `It is ${target.status}, so no backup of it can be taken now: start it first (start_service with service "${target.id}"), then create_backup of it and wait_for.`
    : `Call create_backup with service "${target.id}", then wait_for, then this again with the same arguments.`;
  return new SkybackupError(
    'safety_backup_first',
    `A safety backup comes first: the cloud cannot undo a restore, and ${serviceLabel(target)} has no whole backup of the last hour (${has}; there it is ${timeInWords(now.toISOString())}). Nothing was changed and no plan was made.`,
    {
      hint: `${first} Only if the person says that what it holds now may be lost for good: call again with safety_backup false.`,
    },
  );
}

/** Under `undo` in the plan: how to go back, or that there is no way. */
export function wayBack(target: string, safety: Backup | undefined, declined: boolean, restored: string): string {
  const none = `NONE. The cloud cannot undo a restore, and what ${target} holds now`;
  if (safety === undefined)
    return `${none} is in no backup of the last hour${declined ? ': the safety backup was DECLINED' : ''}.`;
  if (safety.id === restored) return `${none} beyond the restored backup itself is in no backup.`;
  return `Restore the safety backup ${quoteText(safety.id, 200)}, of ${timeInWords(safety.point_in_time ?? safety.start_time) ?? 'an unknown moment'}: what was written later is lost. It is kept 7 days.`;
}
