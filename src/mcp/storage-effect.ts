import { z } from 'zod';
import type { BackupApi } from '../client/backup-api.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { PlannedRequest } from './guard/planner.ts';

/** As `list_storages` names it. */
export const storageArgument = z.string().max(40).optional().describe('See list_storages');

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
    throw new SkybackupError('not_found', `There is no storage "${storage}".`, {
      hint: `There are: ${storages.map(({ name }) => name).join(', ')}. A person adds one with "skybackup storages add".`,
    });
  }
  const { default_for, services = [] } = found;
  const isDefault = default_for === 'all' || (default_for?.includes(service_id) ?? false);
  if (isDefault || services.includes(service_id) || storage === 'local') return undefined;
  return { operation: 'create_schedule', arguments: { service_id, backup_type, schedule, storage }, repeat };
}
