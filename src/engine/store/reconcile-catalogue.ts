import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { BackupFolder } from '../repository/catalogue.ts';
import type { Manifest } from '../repository/manifest.ts';
import { publishedListing } from '../repository/manifest-file.ts';
import type { StateStore } from './state-store.ts';

export interface Reconciled {
  /** Backups that are there. */
  found: number;
  /** Backups that were listed and are not there any more. */
  lost: number;
  /** Folders without a manifest that were removed. */
  swept: number;
}

export interface ReconcileOptions {
  /** Folders without a manifest are removed when nothing in them is younger: those of running backups are. */
  sweepBefore: Date;
  /** Asked at each folder; then it ends early, with whatever was put right by then. */
  isStopped?: () => boolean;
}

/** `repository` is that of the storage which is compared. */
type Context = Pick<EngineContext, 'state' | 'repository' | 'log'> & { storage: string };

/** Takes a backup into the index, its tables and binary logs included. */
export function recordBackup(
  state: Pick<StateStore, 'backups' | 'archivedLogs' | 'tables'>,
  manifest: Manifest,
  foundIn?: string,
): void {
  state.backups.publish(manifest, foundIn);
  state.archivedLogs.publish(manifest);
  state.tables.publish(manifest);
  state.backups.setListing(manifest.id, publishedListing(manifest));
}

/** Manifests taken in at once: each transaction waits for the disk. */
const batchSize = 200;

/**
 * Makes the index say what the repository holds, after a crash or after someone touched the files: every manifest whose
 * objects are there whole is listed as Succeeded, and nothing else is. Folders that hold what the index says are not read.
 * Goes on beside running jobs: what they begin, publish or delete meanwhile stays theirs. One service at a time is held in
 * memory.
 */
export async function reconcileCatalogue(context: Context, options: ReconcileOptions): Promise<Reconciled> {
  const { state, repository } = context;
  const all: Reconciled = { found: 0, lost: 0, swept: 0 };
  const services = new Set([...state.backups.serviceIds(), ...(await repository.services())]);
  for (const service of services) {
    if (options.isStopped?.()) break;
    const one = await reconcileService(context, service, options);
    all.found += one.found;
    all.lost += one.lost;
    all.swept += one.swept;
  }
  return all;
}

async function reconcileService(context: Context, serviceId: string, options: ReconcileOptions): Promise<Reconciled> {
  const { state, repository, storage } = context;
  // Both before the listing: what is published from here on may not be in it, and what is deleted may.
  const known = new Map(state.backups.listingsOf(serviceId, storage).map((row) => [row.folder, row]));
  const removals = state.backups.watchRemovals();
  const present = new Set<string>();
  let swept = 0;
  let batch: Found[] = [];
  const takeIn = (): void => {
    state.transaction(() => {
      for (const found of batch) {
        if (isOurs(context, found.manifest.id, removals.removed)) record(context, found);
      }
    });
    batch = [];
  };
  try {
    for await (const folder of repository.folders(serviceId)) {
      if (options.isStopped?.()) return { found: present.size, lost: 0, swept };
      const row = known.get(folder.path);
      if (row !== undefined && row.listing === folder.listing) present.add(row.id);
      else if (folder.manifestKey === undefined) swept += Number(await sweep(context, serviceId, folder, options));
      else {
        const manifest = await read(context, folder);
        if (manifest === undefined) continue;
        present.add(manifest.id);
        batch.push({ manifest, listing: folder.listing });
        if (batch.length === batchSize) takeIn();
      }
    }
    takeIn();
    const lost = [...known.values()].filter(({ id }) => !present.has(id) && state.backups.get(id) !== undefined);
    state.transaction(() => {
      for (const { id } of lost) state.backups.end(id, 'Failed', 'The backup is no longer whole in the repository.');
    });
    return { found: present.size, lost: lost.length, swept };
  } finally {
    removals.end();
  }
}

interface Found {
  manifest: Manifest;
  listing: string;
}

/** Whether the index may learn of it from here: it was not deleted, no job is about to record it, and it is no copy. */
function isOurs({ state, storage }: Context, id: string, removed: ReadonlySet<string>): boolean {
  // Deleted, though its files are not gone yet; or gone since its manifest was read.
  if (removed.has(id) || state.removals.has(id)) return false;
  const row = state.backups.get(id);
  return row?.status !== 'Running' && (row?.status !== 'Succeeded' || row.storage === storage);
}

function record({ state, storage }: Context, { manifest, listing }: Found): void {
  recordBackup(state, manifest, storage);
  // As it lies there, whatever program wrote it.
  state.backups.setListing(manifest.id, listing);
}

async function read({ repository, log }: Context, folder: BackupFolder): Promise<Manifest | undefined> {
  try {
    return await repository.manifestIn(folder);
  } catch (error) {
    const { code, message } = toSkybackupError(error);
    // Removed since it was listed.
    if (code !== 'not_found') {
      log('warn', 'a backup in the repository is damaged', { key: folder.manifestKey, reason: message });
    }
    return undefined;
  }
}

/** Removes what a backup left that was cut short, never what one that runs has stored so far. */
async function sweep(
  { state, repository, log }: Context,
  serviceId: string,
  folder: BackupFolder,
  { sweepBefore }: ReconcileOptions,
): Promise<boolean> {
  if (folder.objects.some(({ modified }) => modified >= sweepBefore)) return false;
  // Clocks are set back: whose job runs, or has published since the folder was listed, is not judged by its age.
  const status = state.backups.statusIn(serviceId, folder.path);
  if (status === 'Running' || status === 'Succeeded') return false;
  try {
    await repository.clear(folder);
    return true;
  } catch (error) {
    // An object lock may still keep them: that holds nothing else up.
    log('warn', 'what a backup left that was cut short could not be removed', { folder: folder.path, error });
    return false;
  }
}

/**
 * Decides the backups that were running when the daemon ended, by what lies in their folders: published ones succeeded,
 * what others stored is removed. Costs as much as there are such backups, not as there are backups.
 */
export async function settleRunning(
  { state, repository, log }: Omit<Context, 'storage'>,
  isInReach: (backupId: string) => boolean = () => true,
): Promise<void> {
  for (const { id, service_id } of state.backups.running()) {
    // The review of its storage finds what was published there; a start does not wait for it.
    if (!isInReach(id)) continue;
    try {
      const manifest = await repository.manifest(service_id, id);
      if (manifest === undefined) await repository.remove(service_id, id);
      else if (await repository.isWhole(manifest)) state.transaction(() => recordBackup(state, manifest));
    } catch (error) {
      if (!(error instanceof SkybackupError)) throw error;
      // A bucket may be out of reach: its review finds what was published there.
      log('warn', 'a backup that was running could not be looked at', { backup: id, reason: error.message });
    }
  }
}
