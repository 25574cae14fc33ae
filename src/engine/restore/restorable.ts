import { SkybackupError } from '../../contract/errors.ts';
import { type ChainLink, followChain } from '../chain/chain.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import { findTool, toolVersion } from '../mariadb/tools.ts';
import { releaseOf } from '../mariadb/version.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { ServiceRecord } from '../service.ts';
import { isDump, lastBackup, type RestoreSource } from './source.ts';

/** A backup whose position in the redo log is known: what a physical restore needs. */
export type PhysicalManifest = Manifest & { lsn: NonNullable<Manifest['lsn']> };

/** Throws `unsupported` for a backup of another type. */
export function physicalBackup(manifest: Manifest): PhysicalManifest {
  const { lsn, type } = manifest;
  const physical = type === 'full' || type === 'incremental';
  if (physical && manifest.method === 'mariabackup' && lsn !== null) return { ...manifest, lsn };
  throw new SkybackupError('unsupported', `Backup ${manifest.id} is of type ${type}, of which no data can be made.`, {
    hint: 'Choose a full, incremental or dump backup; binary logs only roll one forward.',
  });
}

/**
 * Whether this source can be restored onto this target at all; decided before anything is touched.
 * Throws `unsupported` with the reason, `version_mismatch` naming both versions, `identity_missing`.
 */
export async function checkRestorable(
  source: RestoreSource,
  repository: Repository,
  target: ServiceRecord,
  signal: AbortSignal,
): Promise<void> {
  checkExchangeable(target);
  await checkReadable(source, repository, signal);
}

/**
 * Whether data can be made of this source here, whatever for. Throws `unsupported` with the reason, `version_mismatch`
 * naming both versions, `identity_missing`.
 */
export async function checkReadable(source: RestoreSource, repository: Repository, signal: AbortSignal): Promise<void> {
  await checkOpenable(source, repository);
  const last = lastBackup(source);
  const installed = await toolVersion('mariadbd', signal);
  if (isDump(source)) {
    compareSeries(last, installed);
    for (const tool of ['zstd', 'mariadb', 'mariadb-install-db'] as const) findTool(tool);
    return;
  }
  source.backups.forEach(physicalBackup);
  checkChain(source);
  // A chain never crosses a change of version.
  compareServers(last, installed);
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

/**
 * Whether everything that is to be read can be decrypted here: members of a chain, and its logs, may be encrypted to
 * different recipients. Throws `identity_missing` naming the first that cannot.
 */
export async function checkOpenable({ backups, rollForward }: RestoreSource, repository: Repository): Promise<void> {
  const logs = rollForward?.logs.map(({ manifest }) => manifest) ?? [];
  for (const manifest of new Set([...backups, ...logs])) await repository.opener(manifest);
}

/** Throws `unsupported` for a service whose data cannot be replaced: without control, or without data on this machine. */
export function checkExchangeable({ id, control, datadir }: ServiceRecord): void {
  if (control.kind !== 'none' && datadir !== undefined) return;
  throw new SkybackupError(
    'unsupported',
    control.kind === 'none'
      ? `Service ${id} was registered without a way to stop and start it, so its data cannot be replaced.`
      : `Service ${id} was registered without its data directory, so its data cannot be replaced.`,
    {
      hint:
        datadir === undefined
          ? 'Only a dump can be restored onto it: it is imported. Or forget the service and register it again with --datadir and a way to stop and start it; or restore into a new service.'
          : 'Forget the service and register it again with --datadir and --systemd, or with --stop-command and --start-command; or restore onto a managed service ("skybackup services add <id> --managed").',
    },
  );
}

/** Same series, and a patch level at or above the backup's: files move up a patch level, never down, never across. */
export function compareServers(manifest: Manifest, installed: string, of = 'the server installed here'): void {
  const [source, target] = [versionOf(manifest.server.version), versionOf(installed)];
  if (source.series === target.series && target.patch >= source.patch) return;
  throw new SkybackupError(
    'version_mismatch',
    `Backup ${manifest.id} is of MariaDB ${source.series}.${source.patch}; ${of} is of ${installed}.`,
    { hint: `Install MariaDB ${source.series}, ${source.series}.${source.patch} or newer.` },
  );
}

/** A dump goes to the same series or a newer one: an older server does not know all that a newer one writes. */
export function compareSeries(manifest: Manifest, installed: string, of = 'the server installed here'): void {
  const [source, target] = [versionOf(manifest.server.version), versionOf(installed)];
  const numbers = ({ series }: { series: string }) => series.split('.').map(Number);
  const [[major = 0, minor = 0], [ours = 0, oursMinor = 0]] = [numbers(source), numbers(target)];
  if (ours > major || (ours === major && oursMinor >= minor)) return;
  throw new SkybackupError(
    'version_mismatch',
    `The dump ${manifest.id} is of MariaDB ${source.series}; ${of} is of the older ${installed}.`,
    { hint: `Install MariaDB ${source.series} or newer.` },
  );
}

/** Throws `unsupported_layout` where the target's own configuration would not open these files. */
export function compareOptions(manifest: Manifest, variables: Readonly<Record<string, string>>, target: string): void {
  const [needed, given] = [fileOptions(manifest.server.options), fileOptions(variables)];
  for (const name of ['innodb_page_size', 'innodb_data_file_path', 'lower_case_table_names']) {
    const [wanted, found] = [needed[name], given[name]];
    if (wanted === undefined || found === undefined || wanted === found) continue;
    throw new SkybackupError(
      'unsupported_layout',
      `${name} of ${target} is ${found}, and backup ${manifest.id} is of a server with ${wanted}.`,
      { hint: 'Restore into a new service instead.', details: { variable: name, found, wanted } },
    );
  }
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
