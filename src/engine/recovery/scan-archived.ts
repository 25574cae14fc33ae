import type { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { SkybackupError } from '../../contract/errors.ts';
import type { LogWatch } from '../binlog/log-scan.ts';
import { scanLog } from '../binlog/scan-log.ts';
import { opened } from '../encryption/sealed.ts';
import type { ArchivedLog, Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { LogOfBackup } from '../restore/source.ts';

/**
 * Reads an archived log through, as the server wrote it. `watch` may end the reading early by throwing `enough`.
 * Throws `backup_damaged`, `identity_missing`, `cancelled`.
 */
export async function scanArchived(
  repository: Repository,
  { manifest, log }: LogOfBackup,
  watch: LogWatch,
  signal: AbortSignal,
): Promise<void> {
  try {
    await scanLog(await readArchived(repository, { manifest, log }, signal), log.name, watch, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw damaged(manifest, log, error);
  }
}

/**
 * The bytes of an archived log as they were on the server; every stored block was checked before. Throws
 * `identity_missing` for one that cannot be opened here.
 */
export async function readArchived(
  repository: Repository,
  { manifest, log }: LogOfBackup,
  signal: AbortSignal,
): Promise<Readable> {
  const object = manifest.objects.find(({ key }) => key === log.key);
  if (object === undefined) throw damaged(manifest, log, undefined);
  const opener = await repository.opener(manifest);
  const source = opened(repository.read(manifest, signal, object), opener, { backupId: manifest.id, signal });
  const plain = createZstdDecompress();
  source.once('error', (error) => plain.destroy(error));
  plain.once('close', () => source.destroy());
  return source.pipe(plain);
}

function damaged(manifest: Manifest, { name }: ArchivedLog, cause: unknown): SkybackupError {
  // What the repository found wrong, and a wish that the log cannot fulfil, are said already; a scan speaks of a server's log.
  if (cause instanceof SkybackupError && cause.code !== 'backup_failed') return cause;
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new SkybackupError('backup_damaged', `The binary log ${name} of backup ${manifest.id} is damaged${why}.`, {
    cause,
  });
}
