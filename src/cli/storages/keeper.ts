import { existsSync } from 'node:fs';
import type { BackupApi, DaemonApi } from '../../client/backup-api.ts';
import type { Settings } from '../../client/settings.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { StorageCheck, StorageRequest } from '../../contract/storages.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { readStorages, removeStorage, type StorageFile, writeStorage } from '../../storages/storage-files.ts';

/** Who keeps the storages: a daemon, or with the cloud's settings this machine's files alone. */
export type StorageKeeper = Pick<DaemonApi, 'addStorage' | 'checkStorage' | 'setStorageDefault' | 'removeStorage'>;

export function keeperOf(api: BackupApi, { home }: Settings): StorageKeeper {
  return api.daemon ?? fileKeeper(home);
}

/**
 * The cloud knows no storages: a schedule takes bucket and credentials from the files of this home. They are tried out from
 * this machine, with the same adapters as a daemon's.
 */
function fileKeeper(home: Settings['home']): StorageKeeper {
  const find = (name: string): StorageFile => {
    const files = readStorages(home);
    const found = files.find((file) => file.name === name);
    if (found !== undefined) return found;
    throw new SkybackupError('not_found', `There is no storage "${name.slice(0, 100)}" on this machine.`, {
      hint: files.length === 0 ? 'There is none yet.' : `There are: ${files.map((file) => file.name).join(', ')}.`,
    });
  };
  return {
    async addStorage(request) {
      const { name, credentials } = request;
      if (request.path.startsWith('file:'))
        throw forCloud(
          'A folder of this machine is no place for its backups',
          'Give s3://bucket/prefix or gs://bucket/prefix.',
        );
      if (request.default_for !== undefined)
        throw forCloud(
          'Its backups go to its own storage where none is named',
          'Leave --default and --default-for out, and name the storage in each backup and schedule.',
        );
      if (request.limit !== undefined)
        throw forCloud('It writes to the bucket itself, past any limit of this machine', 'Leave --limit out.');
      if (request.object_lock !== undefined)
        throw forCloud(
          'It writes to the bucket itself, and knows no lock',
          'Set a default retention on the bucket instead.',
        );
      const files = readStorages(home);
      if (files.some((file) => file.name === name)) throw taken(`There is a storage "${name}" already.`);
      const { check, path } = await tried(request);
      const same = files.find((file) => file.path === path);
      if (same !== undefined) throw taken(`${path} is registered as storage "${same.name}" already.`);
      writeStorage(home, {
        format: 1,
        name,
        path,
        ...(credentials === undefined ? {} : { credentials }),
        added_at: toRfc3339(new Date()),
      });
      return check;
    },
    checkStorage: async (name) => (await tried(find(name))).check,
    async setStorageDefault() {
      throw forCloud(
        'Its backups go to its own storage where none is named',
        'Name the storage in each backup and schedule.',
      );
    },
    async removeStorage(name) {
      find(name);
      // Its schedules and its list of backups may need it, which only the daemon knows.
      if (existsSync(home.state)) {
        throw new SkybackupError('conflict', `The storages of ${home.root} are also those of the daemon there.`, {
          hint: `Remove it there: env -u SKYSQL_API_KEY -u SKYSQL_API_KEY_FILE skybackup storages remove ${name}`,
          retryable: false,
        });
      }
      removeStorage(home, name);
    },
  };
}

async function tried({
  name,
  path,
  credentials,
}: Pick<StorageRequest, 'name' | 'credentials'> & { path: string }): Promise<{ path: string; check: StorageCheck }> {
  const [{ openStorage }, { probeStorage }, { brief }, { remarksOn }] = await Promise.all([
    import('../../engine/storage/open-storage.ts'),
    import('../../engine/storage/probe.ts'),
    import('../../engine/storage/retry.ts'),
    import('../../engine/storages/remarks.ts'),
  ]);
  const store = openStorage({ path, credentials }, brief);
  const remarks = remarksOn(await probeStorage(store));
  return { path: store.url, check: { name, path: store.url, remarks } };
}

function forCloud(why: string, hint: string): SkybackupError {
  return new SkybackupError('unsupported', `The settings name the cloud. ${why}.`, { hint });
}

function taken(message: string): SkybackupError {
  return new SkybackupError('conflict', message, { hint: 'Use that one, or choose another name.', retryable: false });
}
