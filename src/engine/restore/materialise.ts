import { pipeline } from 'node:stream/promises';
import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { type CommandExit, describeExit, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Repository } from '../repository/repository.ts';
import type { PhysicalManifest } from './restorable.ts';
import type { Staging } from './staging.ts';
import { readCheckpoints } from './unpacked-files.ts';

const reportEveryBytes = 4 * 1024 * 1024;

/**
 * Unpacks a backup into the staging folder: repository → zstd → mbstream. Each block was checked before it comes here.
 * Throws `backup_damaged`, `restore_failed` with the tool's words, `cancelled`.
 */
export async function materialise(
  manifest: PhysicalManifest,
  repository: Repository,
  staging: Staging,
  job: JobContext,
): Promise<void> {
  // One failure ends all three: a reader that waits for a dead writer would wait for ever.
  const failed = new AbortController();
  const signal = AbortSignal.any([job.signal, failed.signal]);
  const [zstdPath, mbstreamPath] = [findTool('zstd'), findTool('mbstream')];
  const zstd = startCommand(
    { path: zstdPath, args: ['-d', '-q', '-c'], env: staging.env },
    { signal, stdin: 'pipe', graceMs: 2000 },
  );
  if (zstd.stdout === null || zstd.stdin === null) throw new Error('zstd was started without its pipes');
  const mbstream = startCommand(
    { path: mbstreamPath, args: ['-x', '-p', '2', '-C', staging.data], env: staging.env },
    { signal, stdin: zstd.stdout, stdout: 'ignore', graceMs: 2000 },
  );
  const fed = await pipeline(repository.read(manifest, signal), counted(manifest, job), zstd.stdin).then(
    () => undefined,
    (error: unknown) => {
      // A broken pipe is the consequence of a tool's own failure: let that one finish its words.
      if (!isBrokenPipe(error)) failed.abort();
      return error;
    },
  );
  const exits = await Promise.all([zstd.exit, mbstream.exit]);
  job.signal.throwIfAborted();
  if (fed instanceof SkybackupError) throw fed;
  judge(exits, fed);
  checkUnpacked(manifest, staging);
}

function counted(manifest: PhysicalManifest, job: JobContext) {
  const stored = manifest.objects[0].bytes;
  const ratio = manifest.disk_bytes / Math.max(1, stored);
  let [read, reported] = [0, 0];
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      yield chunk;
      read += chunk.length;
      if (read - reported < reportEveryBytes && read < stored) continue;
      reported = read;
      job.progress(Math.min(manifest.disk_bytes, Math.round(read * ratio)), manifest.disk_bytes);
    }
  };
}

function judge(exits: readonly CommandExit[], fed: unknown): void {
  // A tool that was cut off says that its input ended too early: why it did is what counts.
  if (fed !== undefined && !isBrokenPipe(fed)) {
    const why = fed instanceof Error ? fed.message : String(fed);
    throw new SkybackupError('restore_failed', `The backup could not be read to its end: ${why}.`, { cause: fed });
  }
  const bad = exits.filter((exit) => exit.code !== 0);
  // All of them: one that only lost its reader says so, and which was first cannot be seen from here.
  const words = bad.map(describeExit).join(' ');
  if (bad.length > 0) throw new SkybackupError('restore_failed', `Unpacking failed: ${words}`, { cause: fed });
  if (fed !== undefined)
    throw new SkybackupError('restore_failed', 'The backup could not be read to its end.', { cause: fed });
}

/** That what was unpacked is the backup of the manifest, and a whole one. */
function checkUnpacked(manifest: PhysicalManifest, staging: Staging): void {
  const checkpoints = readCheckpoints(staging);
  if (checkpoints.get('backup_type') === 'full-backuped' && checkpoints.get('to_lsn') === manifest.lsn.to) return;
  throw new SkybackupError(
    'backup_damaged',
    `Backup ${manifest.id} unpacks to something else than its manifest says: ${checkpoints.get('backup_type') ?? 'no backup'} up to LSN ${checkpoints.get('to_lsn') ?? 'unknown'}, not ${manifest.lsn.to}.`,
  );
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
