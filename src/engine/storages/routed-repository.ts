import { localStorage } from '../../contract/default-storage.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { Storages } from './storages.ts';

/**
 * All storages as one repository: what is asked about a backup is asked of the storage that the index has for it. What is
 * about no backup, listing and storing, is of the local one; a backup is taken with the repository it goes to.
 */
export function routedRepository(storages: Storages): BackupRepository {
  return {
    ...storages.at(localStorage),
    manifest: async (serviceId, backupId) => storages.of(backupId).manifest(serviceId, backupId),
    isWhole: async (manifest) => storages.of(manifest.id).isWhole(manifest),
    get recipients() {
      return storages.at(localStorage).recipients;
    },
    read: (manifest, signal, object) => storages.of(manifest.id).read(manifest, signal, object),
    keptUntil: async (serviceId, backupId) => storages.of(backupId).keptUntil(serviceId, backupId),
    remove: async (serviceId, backupId) => storages.of(backupId).remove(serviceId, backupId),
  };
}
