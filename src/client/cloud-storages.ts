import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import { serviceIdOf } from '../contract/ids.ts';
import type { Storage } from '../contract/storages.ts';
import { changeStorage, readStorages, type StorageFile } from '../storages/storage-files.ts';
import type { BackupApi } from './backup-api.ts';

/**
 * The cloud knows no storages by name: they are the files of this machine's home, and a schedule that names one goes out
 * with its bucket and its credentials.
 */
export function cloudStorages(
  home: Pick<Home, 'storages'>,
  { createSchedule }: Pick<BackupApi, 'createSchedule'>,
): Pick<BackupApi, 'listStorages' | 'createSchedule'> {
  knowSecrets(home);
  return {
    listStorages: async () => readStorages(home).filter(isBucket).map(view),
    async createSchedule({ storage, ...request }, options) {
      if (storage === undefined) return createSchedule(request, options);
      const file = readStorages(home).find(({ name }) => name === storage);
      if (file === undefined) {
        throw new SkybackupError('not_found', `There is no storage "${storage.slice(0, 100)}" on this machine.`, {
          hint: 'A person adds one with "skybackup storages add".',
        });
      }
      if (!isBucket(file)) {
        throw new SkybackupError(
          'unsupported',
          `Storage "${storage}" is a folder of this machine, and the cloud cannot write to it.`,
          {
            hint: 'Name a storage that is a bucket.',
          },
        );
      }
      const { path, credentials } = file;
      const bucket = { path, ...(credentials === undefined ? {} : { credentials }) };
      const schedule = await createSchedule({ ...request, external_storage: { bucket } }, options);
      noteUse(home, storage, serviceIdOf(request.service_id));
      return schedule;
    },
  };
}

function isBucket({ path }: StorageFile): boolean {
  return !path.startsWith('file:');
}

function view({ name, path, credentials, cloud_services = [], added_at }: StorageFile): Storage {
  return { name, path, has_credentials: credentials !== undefined, added_at, services: cloud_services };
}

/** From the second time on it is no new place for the service. */
function noteUse(home: Pick<Home, 'storages'>, name: string, serviceId: string): void {
  try {
    changeStorage(home, name, (storage) => ({
      ...storage,
      cloud_services: [...new Set([...(storage.cloud_services ?? []), serviceId])],
    }));
  } catch {
    // The schedule is made, and must not look as if it were not: the next time a person is asked once more.
  }
}

/** The cloud was given the credentials with earlier schedules, and may say them in any answer: they must be known before the first. */
function knowSecrets(home: Pick<Home, 'storages'>): void {
  try {
    readStorages(home);
  } catch {
    // A file that cannot be read is no matter for calls that need none; those that do are told.
  }
}
