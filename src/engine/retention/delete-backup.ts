import { SkybackupError } from '../../contract/errors.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { findBackup } from '../jobs/restore-subject.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import { windowMs } from './decide.ts';
import { neverDeleted } from './never-rules.ts';
import { carryOutRemovals, removalFailed, takeOffTheList } from './removal.ts';
import type { RetainedBackup } from './retained-backup.ts';
import { policyOf } from './retention-pass.ts';
import { backupsOf, familiesOf, reachesOf } from './service-backups.ts';

/** The backup, if the rules that bind retention let it go. Throws `not_found`, or `conflict` naming what needs it. */
export function deletable(context: EngineContext, id: string): { serviceId: string; backup: RetainedBackup } {
  const { service_id: serviceId } = findBackup(context, id);
  const backups = backupsOf(context, serviceId);
  const backup = backups.find((each) => each.id === id);
  if (backup === undefined) throw new SkybackupError('not_found', `There is no backup "${id.slice(0, 300)}".`);
  const refused = (why: string, hint: string): SkybackupError =>
    new SkybackupError('conflict', `Backup ${id} cannot be deleted: ${why}.`, { hint, retryable: false });
  const child = backups.find(({ parent, state }) => parent === id && state !== 'failed');
  if (child !== undefined) {
    throw refused(`${child.id} builds on it`, `Delete ${child.id} first, or leave both to retention.`);
  }
  const reason = neverDeleted(backups, {
    families: familiesOf(context, serviceId),
    windowMs: windowMs(policyOf(context, serviceId)),
    reaches: reachesOf(context, serviceId),
    now: context.clock.now(),
  }).get(id);
  if (reason !== undefined) {
    throw refused(
      reason,
      backup.pinned === undefined
        ? 'Take a newer backup first, or shorten the recovery window of the retention.'
        : 'Wait until that has ended (a plan within ten minutes), then call again.',
    );
  }
  return { serviceId, backup };
}

/** Deletes one backup by hand, by the same rules as retention. Its files are gone when this resolves. */
export async function deleteBackup(context: EngineContext, id: string, asker: Asker): Promise<void> {
  deletable(context, id);
  await carryOutPlanned(context, { operation: 'delete_backup', arguments: { id } }, asker, undefined, () => {
    const { serviceId, backup } = deletable(context, id);
    takeOffTheList(context, serviceId, [backup]);
  });
  const failures = (await carryOutRemovals(context)).filter((failure) => failure.startsWith(id));
  if (failures.length > 0) throw removalFailed(failures);
}
