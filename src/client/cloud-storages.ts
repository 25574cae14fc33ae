import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import type { Storage } from '../contract/storages.ts';
import { readStorages, type StorageFile, writeStorage } from '../storages/storage-files.ts';
import type { BackupApi } from './backup-api.ts';

/**
 * The cloud knows no storages by name: they are the files of this machine's home, and a schedule that names one goes out
 * with its bucket and its credentials.
 */
export function cloudStorages(
  home: Pick<Home, 'storages'>,
  { createSchedule }: Pick<BackupApi, 'createSchedule'>,
): Pick<BackupApi, 'listStorages' | 'createSchedule'> {
  return {
    listStorages: async () => readStorages(home).map(view),
    async createSchedule({ storage, ...request }, options) {
      if (storage === undefined) return createSchedule(request, options);
      const file = readStorages(home).find(({ name }) => name === storage);
      if (file === undefined) {
        throw new SkybackupError('not_found', `There is no storage "${storage.slice(0, 100)}" on this machine.`, {
          hint: 'A person adds one with "skybackup storages add".',
        });
      }
      const { path, credentials } = file;
      const bucket = { path, ...(credentials === undefined ? {} : { credentials }) };
      const schedule = await createSchedule({ ...request, external_storage: { bucket } }, options);
      noteUse(home, file, request.service_id);
      return schedule;
    },
  };
}

function view({ name, path, credentials, cloud_services = [], added_at }: StorageFile): Storage {
  return { name, path, has_credentials: credentials !== undefined, added_at, services: cloud_services };
}

/** From the second time on it is no new place for the service. */
function noteUse(home: Pick<Home, 'storages'>, file: StorageFile, serviceId: string): void {
  const { cloud_services = [] } = file;
  if (cloud_services.includes(serviceId)) return;
  writeStorage(home, { ...file, cloud_services: [...cloud_services, serviceId] });
}
