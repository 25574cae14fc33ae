import type { EngineLog } from '../engine-context.ts';
import type { Manifest } from '../repository/manifest.ts';
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
}

/**
 * Makes the index say what the repository holds, after a crash or after someone touched the files: every manifest whose
 * object is there whole is listed as Succeeded, and nothing else is.
 */
export async function reconcileCatalogue(
  state: StateStore,
  repository: BackupRepository,
  log: EngineLog,
): Promise<Reconciled> {
  const present = new Set<string>();
  const damaged = (key: string, reason: string): void =>
    log('warn', 'a backup in the repository is damaged', { key, reason });
  const leaving = new Set(state.removals.list().map(({ backup_id }) => backup_id));
  for await (const manifest of repository.catalogue(damaged)) {
    // Deleted, though its files could not be removed yet.
    if (leaving.has(manifest.id)) continue;
    present.add(manifest.id);
    state.transaction(() => recordBackup(state, manifest));
  }
  const lost = state.backups.succeededIds().filter((id) => !present.has(id));
  for (const id of lost) state.backups.end(id, 'Failed', 'The backup is no longer whole in the repository.');
  return { found: present.size, lost: lost.length };
}
