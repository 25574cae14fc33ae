import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { localStorage } from '../../contract/storages.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { rememberGtids } from './known-gtids.ts';
import type { RetainedBackup } from './retained-backup.ts';

/** Takes backups off the list and notes that their files have to go; to be called in the transaction that decided it. */
export function takeOffTheList(
  { state }: Pick<EngineContext, 'state'>,
  serviceId: string,
  backups: readonly RetainedBackup[],
): void {
  rememberGtids(state, serviceId);
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
 * unpublished objects. What cannot be removed now stays noted: what an object lock keeps until its time is over, and what
 * lies in a storage that is out of reach or off the list until that is back. Returns the failures, in words.
 */
export async function carryOutRemovals(
  context: Pick<EngineContext, 'state' | 'repository' | 'storages' | 'clock' | 'log'>,
  isStopped: () => boolean = () => false,
): Promise<string[]> {
  const { state, repository, storages, clock, log } = context;
  const failures: string[] = [];
  for (const { backup_id, service_id, storage, not_before } of state.removals.list()) {
    if (isStopped()) break;
    if (not_before !== undefined && not_before.getTime() > clock.now()) continue;
    if (!storages.isInReach(storage)) {
      const why = storages.reach.troubleOf(storage);
      if (why !== undefined) failures.push(`${backup_id}: storage ${storage} is out of reach: ${why}`);
      continue;
    }
    try {
      const keptUntil = await repository.keptUntil(service_id, backup_id);
      if (keptUntil !== undefined && keptUntil.getTime() > clock.now()) {
        state.removals.waitUntil(backup_id, keptUntil);
        log('info', 'an object lock keeps a deleted backup', { backup: backup_id, until: keptUntil });
        failures.push(
          `${backup_id}: the object lock of storage ${storage} keeps its files until ${toRfc3339(keptUntil)}`,
        );
        continue;
      }
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
    { hint: 'The daemon tries again within an hour and when it starts; what an object lock keeps, when that is over.' },
  );
}
