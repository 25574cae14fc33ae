import { localStorage } from '../../contract/default-storage.ts';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { rememberGtids } from './known-gtids.ts';
import type { RetainedBackup } from './retained-backup.ts';

const dayMs = 24 * 60 * 60_000;

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
        failures.push(keep(context, { backup_id, storage }, keptUntil));
        continue;
      }
      await repository.remove(service_id, backup_id);
      state.removals.done(backup_id);
      log('info', 'a backup was deleted', { backup: backup_id, service: service_id });
    } catch (error) {
      const lock = storages.lockOf(storage);
      if (lock !== undefined && isRefused(error)) {
        // It does not tell until when; by then whatever was locked is free.
        failures.push(keep(context, { backup_id, storage }, new Date(clock.now() + lock.days * dayMs)));
        continue;
      }
      log('error', 'the files of a deleted backup could not be removed', { backup: backup_id, error });
      failures.push(`${backup_id}: ${toSkybackupError(error).message}`);
    }
  }
  return failures;
}

/** Asking again before the lock is over would be in vain. */
function keep(
  { state, log }: Pick<EngineContext, 'state' | 'log'>,
  { backup_id, storage }: { backup_id: string; storage: string },
  until: Date,
): string {
  state.removals.waitUntil(backup_id, until);
  log('info', 'an object lock keeps the files of a deleted backup', { backup: backup_id, storage, until });
  return `${backup_id}: the object lock of storage ${storage} keeps its files; they are removed after ${toRfc3339(until)}`;
}

function isRefused(error: unknown): boolean {
  return error instanceof SkybackupError && error.details.reason === 'AccessDenied';
}

export function removalFailed(failures: readonly string[]): SkybackupError {
  const [first = ''] = failures;
  return new SkybackupError(
    'storage_failed',
    `${failures.length === 1 ? 'A backup is' : `${failures.length} backups are`} off the list, but files of it are left: ${first}`,
    { hint: 'The daemon tries again within an hour and when it starts; what an object lock keeps, when that is over.' },
  );
}
