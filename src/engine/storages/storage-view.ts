import type { Storage } from '../../contract/storages.ts';
import type { StateStore } from '../store/state-store.ts';
import type { Storages } from './storages.ts';

/** The storages as anyone may see them. */
export function storageViews(storages: Storages, state: Pick<StateStore, 'backups'>): Storage[] {
  const used = Map.groupBy(state.backups.usedStorages(), ({ storage }) => storage);
  return storages.files().map(({ name, url, file }) => {
    const { recipients } = storages.at(name);
    const uses = used.get(name) ?? [];
    const trouble = storages.reach.troubleOf(name);
    return {
      name,
      path: url,
      ...(file === undefined ? {} : { has_credentials: file.credentials !== undefined, added_at: file.added_at }),
      ...(file?.object_lock === undefined ? {} : { object_lock: file.object_lock }),
      ...(file?.default_for === undefined ? {} : { default_for: file.default_for }),
      ...(recipients.length === 0 ? {} : { recipients: [...recipients] }),
      ...(file?.limit === undefined ? {} : { limit: file.limit }),
      services: uses.map(({ service_id }) => service_id),
      backups: uses.reduce((sum, { backups }) => sum + backups, 0),
      storage_bytes: uses.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(trouble === undefined ? {} : { trouble }),
    };
  });
}
