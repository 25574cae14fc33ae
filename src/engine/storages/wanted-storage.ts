import { SkybackupError } from '../../contract/errors.ts';
import type { ScheduleRequest } from '../../contract/schedules.ts';
import type { Asker, EngineContext } from '../engine-context.ts';

/**
 * The storage that a request names, in one way or the other; undefined where it names none. Who gives credentials for a
 * bucket decides who can read the data: that is an administrator's alone. Throws `not_found`, `forbidden`.
 */
export async function wantedStorage(
  { storages }: Pick<EngineContext, 'storages'>,
  { storage, external_storage }: Pick<ScheduleRequest, 'storage' | 'external_storage'>,
  { role, planId }: Asker,
): Promise<string | undefined> {
  if (external_storage === undefined) {
    if (storage !== undefined) storages.at(storage);
    return storage;
  }
  if (storage !== undefined) {
    throw new SkybackupError('invalid_request', 'storage: give a storage by name or external_storage, not both.');
  }
  if (role !== 'administrator' || planId !== undefined) {
    throw new SkybackupError(
      'forbidden',
      'Backups to a bucket of the request itself need the role administrator, and no plan.',
      {
        hint: `Give "storage" with the name of a registered one: ${storages.names().join(', ')}.`,
      },
    );
  }
  const { path, credentials } = external_storage.bucket;
  return storages.forBucket(path, credentials);
}
