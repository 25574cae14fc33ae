import { SkybackupError } from '../../contract/errors.ts';
import { withWorkDirectory } from '../backup/work-directory.ts';
import { lockRefused } from '../dump/lock-timeout.ts';
import type { JobContext } from '../job-context.ts';
import { connectWith, type SqlConnection } from '../mariadb/connect.ts';
import { type Login, readLogin } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { quoted, quotedName } from '../mariadb/quoted.ts';
import { listTables } from '../mariadb/tables.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { StoredService } from '../store/services-table.ts';
import { feed } from './feed.ts';
import { importClient } from './import-dump.ts';
import { changingSession, endImportSession, importSession } from './import-session.ts';
import { checkImportable, databasesOf } from './importable.ts';
import { ownAccountOf, putAccountBack } from './kept-account.ts';
import { proveTables } from './prove.ts';

export interface RunningImport {
  dump: Manifest;
  target: StoredService;
  repository: Repository;
  /** How long a statement may wait behind the lock of another session, which is never ended for it. Default 60. */
  lockWaitSeconds?: number;
  /** The last moment at which nothing has been changed; throws to forbid the import. */
  beforeChange: () => void;
}

/**
 * Makes a running server hold what a dump holds: its databases are dropped, and the dump's made over the connection. Not
 * atomic: what fails after `beforeChange` leaves a part. Throws what `checkImportable` does, `lock_timeout` naming who holds
 * a table, `restore_failed`, `backup_damaged`, `cancelled`.
 */
export async function importIntoRunning(input: RunningImport, job: JobContext): Promise<void> {
  const { dump, target, lockWaitSeconds = 60 } = input;
  job.phase('checking', 'Whether the dump can be imported now, and whether anybody holds a table.');
  const { warnings } = await checkImportable(dump, input.repository, target, job.signal);
  for (const warning of warnings) job.warn(warning);
  const login = await readLogin(target.connection, job.signal);
  // Without the job's signal: after a cancel it is still needed.
  const server = await connectWith(login);
  try {
    await server.query(changingSession(lockWaitSeconds));
    const account = await ownAccountOf(server);
    await askForTables(server, lockWaitSeconds, job.signal);
    job.signal.throwIfAborted();
    input.beforeChange();
    try {
      await replaceData({ ...input, lockWaitSeconds }, { server, login }, job);
    } finally {
      await putAccountBack(server, account, (words) => job.warn(`The login of skybackup on ${target.id}: ${words}`));
    }
    job.phase('proving', 'Opening every table.');
    await proveTables(dump, server, job);
    // It may have got another password all the same: then backups would stop without a word.
    await (await connectWith(login)).close();
  } finally {
    await server.close();
  }
}

/**
 * Asks for each table once and lets it go again: a forgotten LOCK TABLES is found while nothing is changed. What else
 * speaks against a table does not count, since it is dropped.
 */
async function askForTables(server: SqlConnection, lockWaitSeconds: number, signal: AbortSignal): Promise<void> {
  for (const { schema, name } of await listTables(server)) {
    if (schema === 'mysql' || schema === 'sys') continue;
    signal.throwIfAborted();
    await server.query(`LOCK TABLES ${quoted(schema, name)} WRITE`).catch(async (error: unknown) => {
      if (waitedTooLong(error)) throw await lockRefused(server, `a lock on ${schema}.${name}`, lockWaitSeconds);
      if (!(error instanceof SkybackupError) || error.code === 'service_down') throw error;
    });
  }
  await server.query('UNLOCK TABLES');
}

async function replaceData(
  { dump, target, repository, lockWaitSeconds }: RunningImport & { lockWaitSeconds: number },
  { server, login }: { server: SqlConnection; login: Login },
  job: JobContext,
): Promise<void> {
  const databases = await databasesOf(server);
  job.phase('dropping', `The ${databases.length} databases of ${target.id}.`);
  for (const name of databases) {
    job.signal.throwIfAborted();
    await server.query(`DROP DATABASE IF EXISTS ${quotedName(name)}`).catch(async (error: unknown) => {
      throw waitedTooLong(error) ? await lockRefused(server, `a lock in ${name}`, lockWaitSeconds) : error;
    });
  }
  job.phase('importing', `The dump is being imported into the running server of ${target.id}.`);
  await withWorkDirectory(async ({ optionFile }) => {
    await writeOptionFile(optionFile, 'client', login);
    const client = {
      ...importClient(optionFile, importSession(lockWaitSeconds), ['--skip-reconnect']),
      diesWithUs: true,
    };
    const onBytes = (bytes: number): void => job.progress(bytes, dump.disk_bytes);
    try {
      await feed(dump, repository, client, { env: {}, signal: job.signal, onBytes, doing: 'The import' });
    } catch (error) {
      // A server that has gone has no sessions left.
      await endImportSession(server).catch(() => {});
      throw await withHolders(error, server, lockWaitSeconds);
    }
  });
}

/** The client only says that a lock did not come. */
async function withHolders(error: unknown, server: SqlConnection, lockWaitSeconds: number): Promise<unknown> {
  if (!(error instanceof SkybackupError) || !error.message.includes('ERROR 1205 ')) return error;
  return lockRefused(server, 'a lock of the import', lockWaitSeconds);
}

function waitedTooLong(error: unknown): boolean {
  return error instanceof SkybackupError && error.details.errno === 1205;
}
