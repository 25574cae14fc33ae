import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { ForeignBackup } from '../foreign/foreign-backup.ts';
import { unpackForeign } from '../foreign/unpack.ts';
import type { JobContext } from '../job-context.ts';
import { sameGtids } from '../mariadb/gtid.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Repository } from '../repository/repository.ts';
import { type FeedOptions, feed } from './feed.ts';
import { prepare } from './prepare.ts';
import { checkReadable, type PhysicalManifest, physicalBackup } from './restorable.ts';
import type { RestoreSource } from './source.ts';
import { makeFolder, type Staging } from './staging.ts';
import { readBackupGtid, readCheckpoints, removeNoSchemas } from './unpacked-files.ts';

/**
 * Makes a data directory of a source in the staging folder, and returns the source as it is known then. `fits` is asked as
 * soon as it is, for what was made without us: throws to refuse it. Throws `unsupported`, `version_mismatch`, `no_space`,
 * `backup_damaged`, `restore_failed` with the tool's words, `cancelled`.
 */
export async function materialise(
  source: RestoreSource,
  repository: Repository,
  staging: Staging,
  job: JobContext,
  fits: (known: RestoreSource) => void,
): Promise<RestoreSource> {
  if (source.foreign !== undefined) return materialiseForeign(source.foreign, repository, staging, job, fits);
  await materialiseChain(source, repository, staging, job);
  return source;
}

async function materialiseForeign(
  foreign: ForeignBackup,
  repository: Repository,
  staging: Staging,
  job: JobContext,
  fits: (known: RestoreSource) => void,
): Promise<RestoreSource> {
  job.phase('materialising', `Unpacking ${foreign.object.url} beside the present data.`);
  const { manifest, prepared } = await unpackForeign(foreign, staging, job);
  await checkReadable({ backups: [manifest] }, repository, job.signal);
  const known: RestoreSource = { backups: [manifest], foreign };
  fits(known);
  if (!prepared) {
    job.phase('preparing', 'Applying the redo log of the backup.');
    const memoryFor = manifest.disk_bytes;
    await prepare({ manifest, data: staging.data, increment: undefined, memoryFor }, staging, job.signal);
  }
  return known;
}

/**
 * Makes a data directory of a chain in the staging folder: its full unpacked and prepared, then each incremental unpacked
 * into a folder of its own, applied, and removed. Throws `backup_damaged`, `restore_failed` with the tool's words,
 * `cancelled`.
 */
async function materialiseChain(
  source: RestoreSource,
  repository: Repository,
  staging: Staging,
  job: JobContext,
): Promise<void> {
  const chain = source.backups.map(physicalBackup);
  const total = chain.reduce((sum, { disk_bytes }) => sum + disk_bytes, 0);
  const memoryFor = chain[0]?.disk_bytes ?? 0;
  let done = 0;
  for (const [index, manifest] of chain.entries()) {
    const increments = chain.length - 1;
    const which = index === 0 ? 'the full backup' : `incremental ${index} of ${increments}`;
    const folder = index === 0 ? staging.data : join(staging.root, 'increment');
    makeFolder(folder, staging.as);
    job.phase('materialising', `Unpacking ${which} beside the present data.`);
    await unpack(manifest, repository, folder, {
      env: staging.env,
      as: staging.as,
      signal: job.signal,
      onBytes: (bytes) => job.progress(done + bytes, total),
    });
    job.phase('preparing', index === 0 ? 'Applying the redo log of the full backup.' : `Applying ${which}.`);
    const increment = index === 0 ? undefined : folder;
    await prepare({ manifest, data: staging.data, increment, memoryFor }, staging, job.signal);
    if (increment !== undefined) await rm(increment, { recursive: true, force: true });
    done += manifest.disk_bytes;
  }
}

async function unpack(
  manifest: PhysicalManifest,
  repository: Repository,
  folder: string,
  how: Omit<FeedOptions, 'doing'>,
): Promise<void> {
  const program = { path: findTool('mbstream'), args: ['-x', '-p', '2', '-C', folder] };
  await feed(manifest, repository, program, { ...how, doing: 'Unpacking' });
  removeNoSchemas(folder);
  checkUnpacked(manifest, folder);
}

/** That what was unpacked is the backup of the manifest, and a whole one. */
function checkUnpacked(manifest: PhysicalManifest, folder: string): void {
  const checkpoints = readCheckpoints(folder);
  const wanted = manifest.type === 'full' ? 'full-backuped' : 'incremental';
  const { from, to } = manifest.lsn;
  const found = {
    type: checkpoints.get('backup_type') ?? 'no backup',
    from: checkpoints.get('from_lsn') ?? 'unknown',
    to: checkpoints.get('to_lsn') ?? 'unknown',
  };
  if (found.type !== wanted || found.from !== from || found.to !== to) {
    throw damaged(manifest, `${found.type} from LSN ${found.from} to ${found.to}, not ${wanted} from ${from} to ${to}`);
  }
  // The backup's own note: preparing may move what the tables say of replication past it.
  const [gtid, noted] = [manifest.binlog?.gtid ?? '', readBackupGtid(folder)];
  if (!sameGtids(gtid, noted)) throw damaged(manifest, `GTID ${noted || 'none'}, not ${gtid || 'none'}`);
}

function damaged(manifest: PhysicalManifest, what: string): SkybackupError {
  return new SkybackupError(
    'backup_damaged',
    `Backup ${manifest.id} unpacks to something else than its manifest says: ${what}.`,
  );
}
