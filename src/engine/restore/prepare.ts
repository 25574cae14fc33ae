import { freemem } from 'node:os';
import { SkybackupError } from '../../contract/errors.ts';
import { describeExit, startCommand } from '../mariadb/command.ts';
import { prepareArguments } from '../mariadb/server-options.ts';
import { findTool } from '../mariadb/tools.ts';
import type { PhysicalManifest } from './restorable.ts';
import type { Staging } from './staging.ts';
import { readCheckpoints } from './unpacked-files.ts';

const mebibyte = 1024 * 1024;

export interface Preparing {
  manifest: PhysicalManifest;
  /** The data directory in the making. */
  data: string;
  /** Where an incremental lies unpacked; absent for a full. */
  increment: string | undefined;
  /** Bytes of the data that are prepared. */
  memoryFor: number;
}

/**
 * Applies a backup's redo log, so that the files are of one moment; of an incremental first the pages that it brings.
 * Throws `restore_failed` with the tool's words.
 */
export async function prepare(
  { manifest, data, increment, memoryFor }: Preparing,
  { env, as }: Pick<Staging, 'env' | 'as'>,
  signal: AbortSignal,
): Promise<void> {
  const what = increment === undefined ? 'Preparing the backup' : `Applying the incremental backup ${manifest.id}`;
  const command = startCommand(
    {
      path: findTool('mariadb-backup'),
      args: [
        '--no-defaults',
        '--prepare',
        `--use-memory=${prepareMemory(memoryFor, freemem())}`,
        `--target-dir=${data}`,
        ...(increment === undefined ? [] : [`--incremental-dir=${increment}`]),
        ...prepareArguments(manifest.server.options),
      ],
      env,
      ...as,
    },
    { signal, stdout: 'ignore' },
  );
  const exit = await command.exit;
  signal.throwIfAborted();
  const lastLine = exit.stderr.findLast((line) => line.trim() !== '') ?? '';
  if (exit.code !== 0 || !lastLine.endsWith('completed OK!')) {
    throw new SkybackupError('restore_failed', `${what} failed: ${describeExit(exit)}`);
  }
  const checkpoints = readCheckpoints(data);
  if (checkpoints.get('backup_type') === 'full-backuped' || checkpoints.get('to_lsn') !== manifest.lsn.to) {
    throw new SkybackupError('restore_failed', `${what} changed nothing: its redo log was not applied.`);
  }
}

/** Bytes for `--use-memory`: its default of 96 MiB is slow, more than the data is of no use, and others need memory too. */
export function prepareMemory(diskBytes: number, freeBytes: number): number {
  const most = Math.max(96 * mebibyte, Math.min(1024 * mebibyte, Math.floor(freeBytes / 4)));
  return Math.min(most, Math.max(96 * mebibyte, diskBytes));
}
