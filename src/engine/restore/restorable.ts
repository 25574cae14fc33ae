import { SkybackupError } from '../../contract/errors.ts';
import { toolVersion } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ServiceRecord } from '../service.ts';
import { lastBackup, type RestoreSource } from './source.ts';

/** A backup whose position in the redo log is known: what a physical restore needs. */
export type PhysicalManifest = Manifest & { lsn: NonNullable<Manifest['lsn']> };

/** Throws `unsupported` for a backup of another type. */
export function physicalBackup(manifest: Manifest): PhysicalManifest {
  const { lsn } = manifest;
  if (manifest.type === 'full' && manifest.method === 'mariabackup' && lsn !== null) return { ...manifest, lsn };
  throw new SkybackupError(
    'unsupported',
    `Backup ${manifest.id} is of type ${manifest.type}, which cannot be restored yet.`,
    {
      hint: 'Restore a full backup instead.',
    },
  );
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
  const manifest = physicalBackup(lastBackup(source));
  if (manifest.encryption !== null) {
    throw new SkybackupError('unsupported', `Backup ${manifest.id} is encrypted with ${manifest.encryption.kind}.`, {
      hint: 'Decrypt and unpack it by hand: age -d | zstd -d | mbstream -x.',
    });
  }
  compareServers(manifest, await toolVersion('mariadbd', signal));
  compareTool(manifest, await toolVersion('mariadb-backup', signal));
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
