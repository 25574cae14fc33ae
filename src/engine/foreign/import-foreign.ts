import { join } from 'node:path';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { accountStatements, randomPassword } from '../mariadb/native-account.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { type PrivateServer, privateAccount, privateAccountStatements } from '../mariadb/private-server.ts';
import { removeFirstAccounts } from '../restore/empty-data.ts';
import { pour } from '../restore/feed.ts';
import { loadTimeZones, stagingClient, withServersWords } from '../restore/import-dump.ts';
import type { Staging } from '../restore/staging.ts';
import { type PresentAccounts, takeAccounts } from './accounts.ts';
import type { ForeignBackup } from './foreign-backup.ts';
import { WatchedSql } from './watched-sql.ts';

const importer = 'skybackup_import';
const account = `\`${importer}\`@\`localhost\``;

/**
 * Not needed for tables, routines, events and accounts, and a way beyond them: into files, to other servers, into the settings
 * of this one. RELOAD is among them, or rows written into the tables of grants would count at once.
 */
const withheld = [
  'FILE',
  'SUPER',
  'SHUTDOWN',
  'RELOAD',
  'REPLICATION SLAVE',
  'REPLICATION SLAVE ADMIN',
  'REPLICATION MASTER ADMIN',
  'CONNECTION ADMIN',
  'READ_ONLY ADMIN',
  'FEDERATED ADMIN',
];

/** What is known of a foreign dump once it is imported. */
export interface ImportedDump {
  /** It held accounts. */
  accounts: boolean;
  /** The last transactions that it holds, where it notes them. */
  gtid: string | undefined;
}

/**
 * Imports a foreign dump, straight from its bucket, into the private server on an empty data directory, as an account that
 * may do no more than that. Where it holds no accounts, those of `present` are taken. Throws
 * `unsupported` for tables of an engine that is not there, `backup_damaged`, `restore_failed`, `conflict`, `cancelled`.
 */
export async function importForeign(
  foreign: ForeignBackup,
  staging: Staging,
  server: PrivateServer,
  present: PresentAccounts,
  job: JobContext,
): Promise<ImportedDump> {
  const { connection, login } = server;
  await removeFirstAccounts(connection);
  const own = join(staging.run, 'private.cnf');
  await writeOptionFile(own, 'client', login);
  await loadTimeZones(stagingClient(own, staging), staging, job);
  const password = randomPassword();
  await makeImporter(connection, password);
  const optionFile = join(staging.run, 'import.cnf');
  await writeOptionFile(optionFile, 'client', { ...login, user: importer, password });
  const stopped = new AbortController();
  const signal = AbortSignal.any([job.signal, stopped.signal]);
  // A routine of the dump that runs as another account would do what that one may: while it is imported, there is none.
  await connection.query(`DROP USER ${privateAccount}`);
  let sql: WatchedSql;
  try {
    const { body, head } = await foreign.open(signal, (bytes) => job.progress(bytes, foreign.object.bytes));
    sql = new WatchedSql(foreign.object.url, head);
    if (!sql.hasMark) job.warn('The SQL has no line that marks its end: whether all of it is there cannot be told.');
    const client = stagingClient(optionFile, staging);
    await pour(sql.through(body), client, { env: staging.env, signal: job.signal, doing: 'The import' });
    await checkEngines(foreign.object.url, sql.engines, connection);
  } catch (error) {
    throw withServersWords(error, staging);
  } finally {
    stopped.abort();
  }
  await connection.query(`DROP USER IF EXISTS ${account}`);
  await connection.query('FLUSH PRIVILEGES');
  for (const statement of privateAccountStatements(login.password)) await connection.query(statement);
  await connection.query('SET SESSION sql_log_bin = 0');
  for (const grant of sql.grants) {
    await connection.query(grant).catch((error: unknown) => {
      job.warn(`A grant of the dump could not be made: ${toSkybackupError(error).message}`);
    });
  }
  const accounts = await takeAccounts(own, staging, server, present, job);
  return { accounts, gtid: sql.gtid };
}

async function makeImporter(connection: SqlConnection, password: string): Promise<void> {
  for (const statement of accountStatements(account, password)) await connection.query(statement);
  for (const privilege of withheld) await connection.query(`REVOKE ${privilege} ON *.* FROM ${account}`);
}

/** Under a dump's own sql_mode the server makes such tables of another engine, with a mere note. */
async function checkEngines(url: string, engines: ReadonlySet<string>, connection: SqlConnection): Promise<void> {
  const rows = await connection.query<{ engine: string }>(
    "SELECT ENGINE AS engine FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const there = new Set(rows.map(({ engine }) => engine.toLowerCase()));
  const strays = [...engines].filter((engine) => !there.has(engine.toLowerCase()));
  if (strays.length === 0) return;
  throw new SkybackupError(
    'unsupported',
    `${url} holds tables of an engine that a restore has not, or that reaches other servers: ${strays.slice(0, 5).join(', ')}.`,
    { hint: 'Import it by hand into a server that has the engine. Nothing was replaced.' },
  );
}
