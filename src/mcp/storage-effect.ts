import { z } from 'zod';
import type { BackupApi } from '../client/backup-api.ts';
import { defaultStorageOf, localStorage } from '../contract/default-storage.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { PlannedRequest } from './guard/planner.ts';
import { quoteText } from './untrusted-text.ts';

/** As `list_storages` names it. */
export const storageArgument = z.string().max(40).optional().describe('Of list_storages');

interface StoredBackups {
  service_id: string;
  backup_type: string;
  schedule: string;
  storage?: string | undefined;
}

/**
 * What a person approves first where backups of a service are to go to a place that has none of it: whoever can read there
 * reads all its data. `repeat` is how the same call is made again.
 */
export async function storageEffect(
  { service_id, backup_type, schedule, storage }: StoredBackups,
  api: BackupApi,
  signal: AbortSignal,
  repeat: Record<string, unknown>,
): Promise<PlannedRequest | undefined> {
  if (storage === undefined) return undefined;
  const storages = await api.listStorages({ signal });
  const found = storages.find(({ name }) => name === storage);
  if (found === undefined) {
    const names =
      storages.length === 0
        ? 'There is none yet'
        : `There are: ${storages.map(({ name }) => quoteText(name, 40)).join(', ')}`;
    throw new SkybackupError('not_found', `There is no storage ${quoteText(storage)}.`, {
      hint: `${names}. A person adds one with "skybackup storages add".`,
    });
  }
  const isKnown = storage === localStorage || (found.services ?? []).includes(service_id);
  if (isKnown || defaultStorageOf(storages, service_id) === storage) return undefined;
  return { operation: 'create_schedule', arguments: { service_id, backup_type, schedule, storage }, repeat };
}
