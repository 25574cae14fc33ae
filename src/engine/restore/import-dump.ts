import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import { type CommandSpec, describeExit, runCommand, startCommand } from '../mariadb/command.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { errorLines, logLinesSince, sayErrors } from '../mariadb/server-log.ts';
import { findTool } from '../mariadb/tools.ts';
import { seriesOf } from '../mariadb/version.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import { removeFirstAccounts } from './empty-data.ts';
import { feed } from './feed.ts';
import type { Staging } from './staging.ts';

/**
 * Of the session that imports. Its statements must not move the GTID, or logs could not be replayed from the dump's own
 * position; and a table that the dumped server let be made is made here too.
 */
const session = 'SET SESSION sql_log_bin = 0, innodb_strict_mode = 0';

/**
 * Imports a dump into the private server on an empty data directory: databases, accounts, routines, triggers, events; none
 * of these runs meanwhile. Throws `unsupported` for tables of an engine that is not there, `backup_damaged`,
 * `restore_failed` with the words of the client and of the server, `cancelled`.
 */
export async function importDump(
  dump: Manifest,
  repository: Repository,
  staging: Staging,
  { connection, login }: PrivateServer,
  job: JobContext,
): Promise<void> {
  await checkEngines(dump, connection);
  await warnOfSeries(dump, connection, job);
  await removeFirstAccounts(connection);
  const optionFile = join(staging.run, 'import.cnf');
  await writeOptionFile(optionFile, 'client', login);
  const client = stagingClient(optionFile, staging);
  if (dump.server.time_zones) await loadTimeZones(client, staging, job);
  const onBytes = (bytes: number): void => job.progress(bytes, dump.disk_bytes);
  try {
    await feed(dump, repository, client, { env: staging.env, signal: job.signal, onBytes, doing: 'The import' });
  } catch (error) {
    throw withServersWords(error, staging);
  }
  await warnOfLogins(connection, job);
}

/** The client on a private server: told its socket, without which it would take the machine's own server. */
export function stagingClient(optionFile: string, { socket, env }: Staging): CommandSpec {
  const { path, args } = importClient(optionFile, session, ['--protocol=socket', `--socket=${socket}`]);
  return { path, args, env };
}

/** The client that carries out a dump's statements, in a session that begins with `settings`; none of them is one to itself. */
export function importClient(optionFile: string, settings: string, more: readonly string[]): CommandSpec {
  return {
    path: findTool('mariadb'),
    args: [
      // Must be the first.
      `--defaults-file=${optionFile}`,
      ...more,
      // Without it the client takes \r\n, \0 and lines that look like its own commands for something else than data.
      '--binary-mode',
      '--local-infile=0',
      '--max-allowed-packet=1G',
      '--default-character-set=utf8mb4',
      `--init-command=${settings}`,
    ],
  };
}

/**
 * Makes the zones known that the dumped server knew: an event of such a zone would end the import, and expressions would
 * give NULL afterwards. They come from this machine; a dump without any use of them goes well without, so it is warned only.
 */
export async function loadTimeZones(client: CommandSpec, { env }: Staging, job: JobContext): Promise<void> {
  try {
    const tool = { path: findTool('mariadb-tzinfo-to-sql'), args: ['/usr/share/zoneinfo'], env };
    const { stdout } = await runCommand(tool, { signal: job.signal, failure: 'restore_failed' });
    const loading = startCommand(
      { ...client, args: [...client.args, 'mysql'] },
      { signal: job.signal, stdin: 'pipe', stdout: 'ignore' },
    );
    // Its exit tells how it went; a broken pipe tells nothing more.
    loading.stdin?.on('error', () => {});
    loading.stdin?.end(stdout);
    const exit = await loading.exit;
    if (exit.code !== 0) throw new Error(describeExit(exit));
  } catch (error) {
    job.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    job.warn(`The time zones that the dumped server knew by name could not be loaded: ${why}`);
  }
}

/** Under the dump's own sql_mode the server would make such tables of another engine, with a mere note. */
export async function checkEngines({ id, tables }: Manifest, connection: SqlConnection): Promise<void> {
  const rows = await connection.query<{ engine: string }>(
    "SELECT ENGINE AS engine FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')",
  );
  const there = new Set(rows.map(({ engine }) => engine.toLowerCase()));
  const stray = tables.filter(({ engine }) => engine !== null && !there.has(engine.toLowerCase()));
  const [first] = stray;
  if (first === undefined) return;
  throw new SkybackupError(
    'unsupported',
    `Backup ${id} holds ${stray.length} table(s) of an engine that the server of the import has not, or that reaches other servers: ${first.schema}.${first.name} (${first.engine}).`,
    { hint: 'Import the dump by hand into a server that has the engine: zstd -d < data.sql.zst | mariadb.' },
  );
}

/** Allowed, and worth a word: the system tables and the defaults are then those of the newer series. */
async function warnOfSeries({ server }: Manifest, connection: SqlConnection, job: JobContext): Promise<void> {
  const [row] = await connection.query<{ version: string }>('SELECT VERSION() AS version');
  const [from, to] = [seriesOf(server.version), seriesOf(row?.version ?? '')];
  if (from !== to) job.warn(`The dump was taken from MariaDB ${from} and imported into ${to}.`);
}

/** Accounts that came as they are though the plugin of their login is not there. */
async function warnOfLogins(connection: SqlConnection, job: JobContext): Promise<void> {
  const rows = await connection.query<{ account: string; plugin: string }>(
    `SELECT CONCAT(User, '@', Host) AS account, JSON_VALUE(Priv, '$.plugin') AS plugin FROM mysql.global_priv
     WHERE COALESCE(JSON_VALUE(Priv, '$.plugin'), '') <> '' AND JSON_VALUE(Priv, '$.plugin') NOT IN
       (SELECT PLUGIN_NAME FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE') ORDER BY 1`,
  );
  if (rows.length === 0) return;
  const accounts = rows.map(({ account, plugin }) => `${account} (${plugin})`).join(', ');
  job.warn(
    `These accounts log in by a plugin that the server loads by its options only: ${accounts}. They were restored as they are; where it is not loaded (plugin_load_add), nobody can log in as them.`,
  );
}

/** The client only says that a table is full or that the server has gone; why, the server's log tells. */
export function withServersWords(error: unknown, { log }: Staging): unknown {
  if (!(error instanceof SkybackupError) || error.code !== 'restore_failed') return error;
  const lines = logLinesSince(log, 0);
  if (errorLines(lines).length === 0) return error;
  return new SkybackupError('restore_failed', `${error.message} The server said ${sayErrors(lines)}.`, {
    cause: error,
  });
}
