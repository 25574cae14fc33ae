import type { EngineLog } from '../engine-context.ts';
import { backupPrefix, type Manifest } from '../repository/manifest.ts';
import { publishedListing } from '../repository/manifest-file.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { StateStore } from './state-store.ts';

export interface Reconciled {
  found: number;
  lost: number;
}

/** Takes a backup into the index, its binary logs included. */
export function recordBackup(state: Pick<StateStore, 'backups' | 'archivedLogs'>, manifest: Manifest): void {
  state.backups.publish(manifest);
  state.archivedLogs.publish(manifest);
  state.backups.setListing(manifest.id, publishedListing(manifest));
}

/** Manifests taken in at once: each transaction waits for the disk. */
const batchSize = 200;

/**
 * Makes the index say what the repository holds, after a crash or after someone touched the files: every manifest whose
 * object is there whole is listed as Succeeded, and nothing else is. Folders that hold what the index says are not read.
 */
export async function reconcileCatalogue(
  state: StateStore,
  repository: BackupRepository,
  log: EngineLog,
): Promise<Reconciled> {
  const known = new Map([...state.backups.listings()].map((row) => [row.folder, row]));
  const present = new Set<string>();
  const seen = new Map<string, string>();
  const isKnown = (folder: string, listing: string): boolean => {
    const row = known.get(folder);
    if (row?.listing === listing) present.add(row.id);
    else seen.set(folder, listing);
    return row?.listing === listing;
  };
  const damaged = (key: string, reason: string): void =>
    log('warn', 'a backup in the repository is damaged', { key, reason });
  const leaving = new Set(state.removals.list().map(({ backup_id }) => backup_id));

  let batch: Manifest[] = [];
  const takeIn = (): void => {
    state.transaction(() => {
      for (const manifest of batch) {
        recordBackup(state, manifest);
        // As it lies there, whatever program wrote it.
        const listing = seen.get(backupPrefix(manifest.service_id, manifest.id));
        if (listing !== undefined) state.backups.setListing(manifest.id, listing);
      }
    });
    batch = [];
  };
  for await (const manifest of repository.catalogue(damaged, isKnown)) {
    // Deleted, though its files could not be removed yet.
    if (leaving.has(manifest.id)) continue;
    present.add(manifest.id);
    batch.push(manifest);
    if (batch.length === batchSize) takeIn();
  }
  takeIn();
  const lost = state.backups.succeededIds().filter((id) => !present.has(id));
  for (const id of lost) state.backups.end(id, 'Failed', 'The backup is no longer whole in the repository.');
  return { found: present.size, lost: lost.length };
}
