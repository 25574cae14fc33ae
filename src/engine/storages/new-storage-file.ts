import type { StorageRequest } from '../../contract/storages.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { StorageFile } from '../../storages/storage-files.ts';

/** What is kept of a request for a storage; whose default it is, is decided among all. */
export function newStorageFile(request: StorageRequest, unnamed: boolean, now: Date): StorageFile {
  const { name, path, credentials, limit, object_lock, recipients = [] } = request;
  return {
    format: 1,
    name,
    path,
    ...(credentials === undefined ? {} : { credentials }),
    ...(limit === undefined ? {} : { limit }),
    ...(unnamed ? { unnamed } : {}),
    ...(object_lock === undefined ? {} : { object_lock }),
    ...(recipients.length === 0 ? {} : { recipients }),
    added_at: toRfc3339(now),
  };
}
