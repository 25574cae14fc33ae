import { SkybackupError } from '../../contract/errors.ts';
import { type ChainLink, followChain } from '../chain/chain.ts';
import { toolVersion } from '../mariadb/tools.ts';
import { releaseOf } from '../mariadb/version.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ServiceRecord } from '../service.ts';
import { lastBackup, type RestoreSource } from './source.ts';

/** A backup whose position in the redo log is known: what a physical restore needs. */
export type PhysicalManifest = Manifest & { lsn: NonNullable<Manifest['lsn']> };

/** Throws `unsupported` for a backup of another type. */
export function physicalBackup(manifest: Manifest): PhysicalManifest {
  const { lsn, type } = manifest;
  const physical = type === 'full' || type === 'incremental';
  if (physical && manifest.method === 'mariabackup' && lsn !== null) return { ...manifest, lsn };
  throw new SkybackupError('unsupported', `Backup ${manifest.id} is of type ${type}, which cannot be restored yet.`, {
    hint: 'Restore a full or an incremental backup instead.',
  });
}

/**
 * Whether this source can be restored onto this target at all; decided before anything is touched.
 * Throws `unsupported` with the reason, `version_mismatch` naming both versions.
 */
export async function checkRestorable(
  source: RestoreSource,
  target: ServiceRecord,
  signal: AbortSignal,
): Promise<void> {
  if (target.control.kind !== 'managed') {
    throw new SkybackupError(
      'unsupported',
      `${target.id} is not managed by this daemon, so it cannot be restored yet.`,
      {
        hint: 'Restore onto a managed service ("skybackup services add <id> --managed") and copy the data from there.',
      },
    );
  }
  await checkReadable(source, signal);
}

/**
 * Whether data can be made of this source here, whatever for. Throws `unsupported` with the reason, `version_mismatch`
 * naming both versions.
 */
export async function checkReadable(source: RestoreSource, signal: AbortSignal): Promise<void> {
  for (const backup of source.backups) {
    physicalBackup(backup);
    checkUnencrypted(backup);
  }
  checkChain(source);
  // A chain never crosses a change of version.
  const last = lastBackup(source);
  compareServers(last, await toolVersion('mariadbd', signal));
  compareTool(last, await toolVersion('mariadb-backup', signal));
}

/** mariadb-backup applies some increments that do not go on from the data, and says that it went well. */
function checkChain(source: RestoreSource): void {
  const links = source.backups.map(chainLink);
  const last = links.at(-1);
  const found = last && followChain(last, (id) => links.find((link) => link.id === id));
  if (found?.chain?.every((link, index) => link === links[index]) && found.chain.length === links.length) return;
  const { id, words } = found?.broken ?? {
    id: lastBackup(source).id,
    words: 'does not go on from what comes before it',
  };
  throw new SkybackupError('backup_damaged', `The backups cannot be applied one after the other: ${id} ${words}.`);
}

function chainLink({ id, service_id, type, incarnation, server, parent, full, lsn }: Manifest): ChainLink {
  return { id, service_id, type, incarnation, version: releaseOf(server.version), parent, full, lsn };
}

function checkUnencrypted({ id, encryption }: Manifest): void {
  if (encryption === null) return;
  throw new SkybackupError('unsupported', `Backup ${id} is encrypted with ${encryption.kind}.`, {
    hint: 'Decrypt and unpack it by hand: age -d | zstd -d | mbstream -x.',
  });
}

/** Same series, and a patch level at or above the backup's: files move up a patch level, never down, never across. */
function compareServers(manifest: Manifest, installed: string): void {
  const [source, target] = [versionOf(manifest.server.version), versionOf(installed)];
  if (source.series === target.series && target.patch >= source.patch) return;
  throw new SkybackupError(
    'version_mismatch',
    `Backup ${manifest.id} is of MariaDB ${source.series}.${source.patch}; the server installed here is ${installed}.`,
    { hint: `Install MariaDB ${source.series}, ${source.series}.${source.patch} or newer.` },
  );
}

function compareTool(manifest: Manifest, installed: string): void {
  const [source, tool] = [versionOf(manifest.server.version), versionOf(installed)];
  if (source.series === tool.series) return;
  throw new SkybackupError(
    'version_mismatch',
    `Backup ${manifest.id} is of MariaDB ${source.series}; mariadb-backup here is ${installed}.`,
    { hint: `Install mariadb-backup of the ${source.series} series.` },
  );
}

function versionOf(text: string): { series: string; patch: number } {
  const [, series = '?', patch = '0'] = /^(\d+\.\d+)\.(\d+)/.exec(text) ?? [];
  return { series, patch: Number(patch) };
}
