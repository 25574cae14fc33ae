import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { localStorage } from '../../contract/storages.ts';
import type { EngineContext } from '../engine-context.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import type { RetainedBackup } from './retained-backup.ts';

/** Takes backups off the list and notes that their files have to go; to be called in the transaction that decided it. */
export function takeOffTheList(
  { state }: Pick<EngineContext, 'state'>,
  serviceId: string,
  backups: readonly RetainedBackup[],
): void {
  const service = state.services.get(serviceId);
  if (service !== undefined) {
    // A restore must not hand out a GTID twice, and soon these backups do not tell any more which were handed out.
    const known = [...state.backups.gtidsOf(serviceId), ...state.archivedLogs.gtidsOf(serviceId)];
    state.services.setHighestGtids(serviceId, highestGtids(service.highest_gtids, ...known));
  }
  for (const { id, state: was } of backups) {
    // A try that failed left nothing that a sweep does not find, and what was lost may come back with its disk.
    if (was !== 'failed') {
      state.removals.add({
        backup_id: id,
        service_id: serviceId,
        storage: state.backups.storageOf(id) ?? localStorage,
      });
    }
    state.backups.remove(id);
  }
}

/**
 * Removes the files of what was taken off the list: the manifest first, so that what a kill leaves behind is no backup but
 * unpublished objects. What cannot be removed now stays noted. Returns the failures, in words.
 */
export async function carryOutRemovals(
  { state, repository, log }: Pick<EngineContext, 'state' | 'repository' | 'log'>,
  isStopped: () => boolean = () => false,
): Promise<string[]> {
  const failures: string[] = [];
  for (const { backup_id, service_id } of state.removals.list()) {
    if (isStopped()) break;
    try {
      await repository.remove(service_id, backup_id);
      state.removals.done(backup_id);
      log('info', 'a backup was deleted', { backup: backup_id, service: service_id });
    } catch (error) {
      log('error', 'the files of a deleted backup could not be removed', { backup: backup_id, error });
      failures.push(`${backup_id}: ${toSkybackupError(error).message}`);
    }
  }
  return failures;
}

export function removalFailed(failures: readonly string[]): SkybackupError {
  const [first = ''] = failures;
  return new SkybackupError(
    'storage_failed',
    `${failures.length === 1 ? 'A backup is' : `${failures.length} backups are`} off the list, but files of it are left: ${first}`,
    { hint: 'The daemon tries again within an hour, and when it starts.' },
  );
}
