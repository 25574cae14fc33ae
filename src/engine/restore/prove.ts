import { SkybackupError } from '../../contract/errors.ts';
import type { JobContext } from '../job-context.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { sameGtids } from '../mariadb/gtid.ts';
import { quoted } from '../mariadb/quoted.ts';
import { errorLines, logLinesSince, sayErrors } from '../mariadb/server-log.ts';
import type { Manifest } from '../repository/manifest.ts';

interface TableRow {
  schema: string;
  name: string;
  engine: string | null;
  comment: string | null;
}

/** Engines whose tables lie on other machines: opening one would reach out. */
const outbound = new Set(['FEDERATED', 'SPIDER', 'CONNECT']);

/** Whether tables of an engine lie on other machines. */
export function reachesOut(engine: string): boolean {
  return outbound.has(engine.toUpperCase());
}

export interface Goal {
  /** The last backup that the data were made from. */
  backup: Manifest;
  /** The last transaction of each domain that the data must hold, and no other. */
  gtid: string;
  /** Of the private server. */
  log: string;
}

/**
 * Proves on the private server that the data are the goal's and can be read: log without errors, redo applied to the
 * recorded LSN, GTID the goal's, every table opened. Throws `restore_failed` naming what is wrong, `cancelled`.
 */
export async function prove(goal: Goal, connection: SqlConnection, job: JobContext): Promise<void> {
  proveLog(goal.log);
  await proveLsn(goal.backup, connection);
  await proveGtid(goal, connection);
  await proveTables(goal.backup, connection, job);
}

/** As `prove`, for data that no backup tells about: a clean log, and every table opened. */
export async function proveReadable(log: string, connection: SqlConnection, job: JobContext): Promise<void> {
  proveLog(log);
  await openTables(connection, job);
}

/** That every table of a running server can be opened, and which of the backup's are not there. */
export async function proveTables(backup: Manifest, connection: SqlConnection, job: JobContext): Promise<void> {
  warnOfMissing(backup, await openTables(connection, job), job);
}

function proveLog(log: string): void {
  const lines = logLinesSince(log, 0);
  if (errorLines(lines).length > 0) throw unproven(`the private server on them said ${sayErrors(lines)}`);
}

async function proveLsn({ lsn }: Manifest, connection: SqlConnection): Promise<void> {
  if (lsn === null) return;
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Innodb_lsn_current'");
  const reached = BigInt(row?.Value ?? 0);
  // `last` is where the copied redo ends: below it, changes of the backup itself would be missing.
  const goal = BigInt(lsn.last);
  if (reached < goal) throw unproven(`the redo log was applied to LSN ${reached} only, not ${goal}`);
}

async function proveGtid({ gtid }: Goal, connection: SqlConnection): Promise<void> {
  const [row] = await connection.query<{ reached: string }>('SELECT @@GLOBAL.gtid_binlog_pos AS reached');
  const reached = row?.reached ?? '';
  if (!sameGtids(gtid, reached)) {
    throw unproven(`they are of GTID ${reached || 'none'}, and the goal is ${gtid || 'none'}`);
  }
}

async function openTables(connection: SqlConnection, job: JobContext): Promise<TableRow[]> {
  const tables = await connection.query<TableRow>(
    `SELECT table_schema AS \`schema\`, table_name AS name, engine, table_comment AS comment
     FROM information_schema.tables
     WHERE table_type NOT LIKE '%VIEW' AND table_type NOT LIKE 'TEMPORARY%'
       AND table_schema NOT IN ('information_schema', 'performance_schema')`,
  );
  for (const table of tables) {
    job.signal.throwIfAborted();
    if (table.engine !== null && reachesOut(table.engine)) {
      job.warn(`Table ${table.schema}.${table.name} was not opened: its engine ${table.engine} reaches other servers.`);
      continue;
    }
    try {
      await connection.query(`SELECT 1 FROM ${quoted(table.schema, table.name)} LIMIT 1`);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw unproven(`table ${table.schema}.${table.name} cannot be opened: ${words}`, error);
    }
  }
  return tables;
}

/** A table may have been dropped while the backup ran; the person should hear of it before an application does. */
function warnOfMissing(manifest: Manifest, tables: readonly TableRow[], job: JobContext): void {
  const there = new Set(tables.map((table) => `${table.schema}.${table.name}`.toLowerCase()));
  const missing = manifest.tables
    .filter((table) => table.engine !== null)
    .map((table) => `${table.schema}.${table.name}`)
    .filter((name) => !there.has(name.toLowerCase()));
  if (missing.length === 0) return;
  const some = missing.slice(0, 5).join(', ');
  job.warn(`${missing.length} table(s) of the backup's list are not in it (dropped while it was taken?): ${some}.`);
}

function unproven(what: string, cause?: unknown): SkybackupError {
  return new SkybackupError('restore_failed', `The restored data did not pass their proof: ${what}.`, { cause });
}
