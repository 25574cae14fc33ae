import type { Home } from '../../contract/home.ts';
import { readStorages } from '../../storages/storage-files.ts';
import { Identities } from '../encryption/identities.ts';
import type { BackupFolder } from '../repository/catalogue.ts';
import { openRepository } from '../repository/open.ts';
import type { BackupRepository } from '../repository/repository.ts';
import { localDirectory } from '../storage/local-directory.ts';
import { openStorage } from '../storage/open-storage.ts';

/**
 * All storages of a home as one repository to read from, without an index and without its daemon: where a manifest was found,
 * its bytes are read.
 */
export function joinedRepository(home: Home): BackupRepository {
  const identities = new Identities(home);
  const local = openRepository(localDirectory(home.repository), { identities });
  const all = [local, ...readStorages(home).map((file) => openRepository(openStorage(file), { identities }))];
  const listedBy = new WeakMap<BackupFolder, BackupRepository>();
  const foundIn = new Map<string, BackupRepository>();
  return {
    ...local,
    async *folders(serviceId) {
      for (const repository of all) {
        for await (const folder of repository.folders(serviceId)) {
          listedBy.set(folder, repository);
          yield folder;
        }
      }
    },
    async manifestIn(folder) {
      const repository = listedBy.get(folder) ?? local;
      const manifest = await repository.manifestIn(folder);
      if (manifest !== undefined && !foundIn.has(manifest.id)) foundIn.set(manifest.id, repository);
      return manifest;
    },
    read: (manifest, signal, object) => (foundIn.get(manifest.id) ?? local).read(manifest, signal, object),
  };
}
