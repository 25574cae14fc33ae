import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { findTool } from '../mariadb/tools.ts';
import { pour } from '../restore/feed.ts';
import { freeBytes } from '../restore/space.ts';
import type { Staging } from '../restore/staging.ts';
import { removeNoSchemas } from '../restore/unpacked-files.ts';
import { type BackupFacts, readBackupFacts } from './backup-facts.ts';
import type { ForeignBackup } from './foreign-backup.ts';
import { MemberNames } from './member-names.ts';
import { tarAsXbstream } from './tar.ts';
import { checkedXbstream } from './xbstream.ts';

/** Stays free whatever comes: the servers on this disk write too, and the data are yet to be prepared. */
const reserveBytes = 256 * 1024 * 1024;

/**
 * Unpacks a foreign backup into the staging folder, straight from its bucket, and reads what it is. Nothing that it says of
 * itself is believed before: names are checked as they come, sizes against the free space. Throws `unsupported` naming what
 * is refused, `no_space`, `backup_damaged`, `restore_failed`, `conflict`, `cancelled`.
 */
export async function unpackForeign(
  foreign: ForeignBackup,
  staging: Staging,
  job: JobContext,
  room: number = freeBytes(staging.root) - reserveBytes,
): Promise<BackupFacts> {
  const { object, contents } = foreign;
  const names = new MemberNames(object.url);
  const stopped = new AbortController();
  const signal = AbortSignal.any([job.signal, stopped.signal]);
  let written = 0;
  try {
    const { body } = await foreign.open(signal, (bytes) => job.progress(bytes, object.bytes));
    const stream = (contents === 'tar' ? tarAsXbstream : checkedXbstream)(body, names, object.url);
    const bounded = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of stream) {
        written += chunk.length;
        if (written > room) throw tooLarge(object.url, room, staging.root);
        yield chunk;
      }
    };
    const program = { path: findTool('mbstream'), args: ['-x', '-p', '2', '-C', staging.data] };
    await pour(bounded(), program, { env: staging.env, as: staging.as, signal: job.signal, doing: 'Unpacking' });
  } finally {
    stopped.abort();
  }
  const [some] = names.leftOut;
  if (some !== undefined) {
    const more = names.leftOut.length > 1 ? ` and ${names.leftOut.length - 1} more` : '';
    job.warn(`Files that are no part of a backup were left out: ${some}${more}.`);
  }
  removeNoSchemas(staging.data);
  return readBackupFacts(object, staging.data, written);
}

function tooLarge(url: string, room: number, root: string): SkybackupError {
  const mebibytes = (bytes: number): number => Math.max(0, Math.floor(bytes / 1024 / 1024));
  return new SkybackupError(
    'no_space',
    `${url} unpacks to more than the ${mebibytes(room)} MiB that may be filled in ${join(root, '..')}.`,
    { hint: 'Free more space there, if it is a backup of that size, then restore again. Nothing was replaced.' },
  );
}
