import type { Readable } from 'node:stream';
import { SkybackupError } from '../../contract/errors.ts';
import { type CommandSpec, describeExit } from '../mariadb/command.ts';
import { sealCommands } from './age.ts';
import { through } from './through.ts';

/** A packed stream encrypted to recipients; without any, as it is. It fails when the stream does. */
export function sealed(packed: Readable, recipients: readonly string[], signal: AbortSignal): Readable {
  const [age] = sealCommands(recipients);
  if (age === undefined) return packed;
  return through(packed, age, { signal, failure: (exit) => new SkybackupError('backup_failed', describeExit(exit)) });
}

/** An object of a backup as it was before it was encrypted; without an opener, as it is. */
export function opened(
  stored: Readable,
  opener: CommandSpec | undefined,
  { backupId, signal }: { backupId: string; signal: AbortSignal },
): Readable {
  if (opener === undefined) return stored;
  return through(stored, opener, {
    signal,
    // Its bytes are those that were stored: what cannot be decrypted was not encrypted as the manifest says.
    failure: (exit) =>
      new SkybackupError('backup_damaged', `Backup ${backupId} could not be decrypted: ${describeExit(exit)}`),
  });
}
