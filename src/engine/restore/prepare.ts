import { freemem } from 'node:os';
import { SkybackupError } from '../../contract/errors.ts';
import { describeExit, startCommand } from '../mariadb/command.ts';
import { prepareArguments } from '../mariadb/server-options.ts';
import { findTool } from '../mariadb/tools.ts';
import type { PhysicalManifest } from './restorable.ts';
import type { Staging } from './staging.ts';
import { readCheckpoints } from './unpacked-files.ts';

const mebibyte = 1024 * 1024;

/** Applies the backup's redo log, so that the files are of one moment. Throws `restore_failed` with the tool's words. */
export async function prepare(manifest: PhysicalManifest, staging: Staging, signal: AbortSignal): Promise<void> {
  const command = startCommand(
    {
      path: findTool('mariadb-backup'),
      args: [
        '--no-defaults',
        '--prepare',
        `--use-memory=${prepareMemory(manifest.disk_bytes, freemem())}`,
        `--target-dir=${staging.data}`,
        ...prepareArguments(manifest.server.options),
      ],
      env: staging.env,
    },
    { signal, stdout: 'ignore' },
  );
  const exit = await command.exit;
  signal.throwIfAborted();
  const lastLine = exit.stderr.findLast((line) => line.trim() !== '') ?? '';
  if (exit.code !== 0 || !lastLine.endsWith('completed OK!')) {
    throw new SkybackupError('restore_failed', `Preparing the backup failed: ${describeExit(exit)}`);
  }
  if (readCheckpoints(staging).get('backup_type') === 'full-backuped') {
    throw new SkybackupError('restore_failed', 'Preparing the backup changed nothing: its redo log was not applied.');
  }
}

/** Bytes for `--use-memory`: its default of 96 MiB is slow, more than the data is of no use, and others need memory too. */
export function prepareMemory(diskBytes: number, freeBytes: number): number {
  const most = Math.max(96 * mebibyte, Math.min(1024 * mebibyte, Math.floor(freeBytes / 4)));
  return Math.min(most, Math.max(96 * mebibyte, diskBytes));
}
