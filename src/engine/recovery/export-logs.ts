import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { positionOf } from '../binlog/gtid-state.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { BackupRepository } from '../repository/repository.ts';
import type { LogOfBackup } from '../restore/source.ts';
import { holds, readPosition } from './position.ts';
import { readArchived } from './scan-archived.ts';

export interface ExportedLogs {
  service_id: string;
  directory: string;
  /** In their order. */
  logs: { name: string; bytes: number; gtids_before: string; gtids_after: string }[];
  index: string;
  /** The position before the first of their transactions, and after the last. */
  from_gtid: string;
  until_gtid: string;
}

/**
 * Writes the newest unbroken row of a service's archived logs as the server's own files, with an index: for a replica that is
 * set up elsewhere, or a replay by hand. `fromGtid` leaves out the logs that hold nothing after that position. Throws
 * `not_found` when there is none, `conflict` when the directory is not empty, `identity_missing`, `backup_damaged`.
 */
export async function exportLogs(
  repository: BackupRepository,
  { serviceId, directory, fromGtid }: { serviceId: string; directory: string; fromGtid?: string | undefined },
  signal: AbortSignal,
): Promise<ExportedLogs> {
  const logs = newestRow(await binlogBackups(repository, serviceId));
  const from = readPosition(fromGtid ?? '');
  const wanted = logs.filter(({ log }) =>
    [...readPosition(log.gtids_after).values()].some((gtid) => !holds(from, gtid)),
  );
  const [first, last] = [wanted[0], wanted.at(-1)];
  if (first === undefined || last === undefined) {
    throw new SkybackupError(
      'not_found',
      `No binary logs of ${serviceId} are archived after ${fromGtid ?? 'its first'}.`,
      {
        hint: 'Take a backup of type binarylog first.',
      },
    );
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if ((await readdir(directory)).length > 0) {
    throw new SkybackupError('conflict', `${directory} is not empty.`, {
      hint: 'Choose a new directory.',
      retryable: false,
    });
  }
  for (const of of wanted) {
    const file = createWriteStream(join(directory, of.log.name), { mode: 0o600, flags: 'wx' });
    await pipeline(await readArchived(repository, of, signal), file, { signal });
  }
  const index = `${first.log.name.replace(/\.\d+$/, '')}.index`;
  await writeFile(join(directory, index), wanted.map(({ log }) => `./${log.name}\n`).join(''), { mode: 0o600 });
  return {
    service_id: serviceId,
    directory,
    logs: wanted.map(({ log: { name, bytes, gtids_before, gtids_after } }) => ({
      name,
      bytes,
      gtids_before,
      gtids_after,
    })),
    index,
    from_gtid: positionOf(first.log.gtids_before),
    until_gtid: positionOf(last.log.gtids_after),
  };
}

/** Those that are whole: a log that is not ends the row, as one that was deleted does. */
async function binlogBackups(repository: BackupRepository, serviceId: string): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for await (const folder of repository.folders(serviceId)) {
    const manifest = await repository.manifestIn(folder).catch((error: unknown) => {
      if (error instanceof SkybackupError && (error.code === 'backup_damaged' || error.code === 'not_found'))
        return undefined;
      throw error;
    });
    if (manifest?.type === 'binarylog') found.push(manifest);
  }
  return found;
}

/** From the newest log back to where its row begins: names repeat after a restore, and only what follows on is one history. */
function newestRow(backups: readonly Manifest[]): LogOfBackup[] {
  const all = backups.flatMap((manifest) => (manifest.logs ?? []).map((log) => ({ manifest, log })));
  const known = new Map(all.map((of) => [`${of.manifest.id}/${of.log.name}`, of]));
  let next = all.toSorted(
    (a, b) => Date.parse(b.log.opened_at) - Date.parse(a.log.opened_at) || (a.log.name < b.log.name ? 1 : -1),
  )[0];
  const row: LogOfBackup[] = [];
  while (next !== undefined && !row.includes(next)) {
    row.unshift(next);
    const { follows } = next.log;
    next = follows === null ? undefined : known.get(`${follows.backup_id}/${follows.name}`);
  }
  return row;
}
