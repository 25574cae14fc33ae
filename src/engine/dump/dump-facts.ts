import { SkybackupError } from '../../contract/errors.ts';
import type { Connection } from '../../contract/services.ts';
import { connect, connectWith, type SqlConnection } from '../mariadb/connect.ts';
import type { Login } from '../mariadb/login.ts';
import { currentUser, dumpPrivileges, missingPrivileges } from '../mariadb/privileges.ts';
import { listTables, type TableFacts } from '../mariadb/tables.ts';
import { findTool } from '../mariadb/tools.ts';
import { globalVariables } from '../mariadb/variables.ts';
import { type BrokenView, brokenViews } from './broken-views.ts';
import { type PluginAccount, pluginAccounts } from './plugin-accounts.ts';
import { countSchemaStatements, type SchemaStatements } from './schema-statements.ts';
import { type SequenceDefaults, sequenceDefaults } from './sequence-defaults.ts';

/** What a look at a server found that is to be dumped. */
export interface DumpFacts {
  version: string;
  server_id: number;
  hostname: string;
  variables: Readonly<Record<string, string>>;
  /** A session's number: the dump's own come after it. */
  session: number;
  /** Without those of the system's own schemas, which a dump leaves out. */
  tables: TableFacts[];
  brokenViews: BrokenView[];
  roles: string[];
  /** Functions that a server with a binary log makes only when told to trust them. */
  unsafeFunctions: string[];
  binaryLog: boolean;
  /** It knows time zones by name, from tables that a dump leaves out. */
  timeZones: boolean;
  /** A table with history by time exists, and none by transaction, with which mariadb-dump refuses to keep any. */
  history: 'none' | 'kept' | 'lost';
  sequenceDefaults: SequenceDefaults;
  pluginAccounts: PluginAccount[];
  /** Before the dump: what is counted beyond them came while it was taken. */
  schemaStatements: SchemaStatements;
}

/** Looks a server over before its dump. Throws `privilege_missing` naming each; `service_down`, `access_denied`, `cancelled`. */
export async function lookForDump(login: Login, signal: AbortSignal): Promise<DumpFacts> {
  const server = await connectWith(login, { signal });
  try {
    const variables = await globalVariables(server);
    const tables = await dumpedTables(server);
    await checkPrivileges(server, tables);
    const [row] = await server.query<{ id: number }>('SELECT CONNECTION_ID() AS id');
    return {
      version: variables.version ?? '',
      server_id: Number(variables.server_id ?? 0),
      hostname: variables.hostname ?? '',
      variables,
      session: row?.id ?? 0,
      tables,
      brokenViews: await brokenViews(server),
      roles: await rolesOf(server),
      unsafeFunctions: await unsafeFunctions(server),
      binaryLog: variables.log_bin === 'ON',
      timeZones: await knowsTimeZones(server),
      history: await keptHistory(server),
      sequenceDefaults: await sequenceDefaults(server),
      pluginAccounts: await pluginAccounts(server),
      schemaStatements: await countSchemaStatements(server),
    };
  } finally {
    await server.close();
  }
}

/** Throws what keeps a server from being dumped. */
export async function checkDumpPossible(connection: Connection, signal?: AbortSignal): Promise<void> {
  const server = await connect(connection, signal === undefined ? {} : { signal });
  try {
    await checkPrivileges(server, await dumpedTables(server));
    findTool('mariadb-dump');
  } finally {
    await server.close();
  }
}

/** Every table that a dump holds. */
export async function dumpedTables(server: SqlConnection): Promise<TableFacts[]> {
  return (await listTables(server)).filter(({ schema }) => schema !== 'mysql' && schema !== 'sys');
}

/** Tables whose rows a transaction does not hold still: only a lock makes them one state with the others. */
export function unsafeTables(tables: readonly TableFacts[]): TableFacts[] {
  return tables.filter(({ engine }) => engine !== null && engine !== 'InnoDB');
}

async function checkPrivileges(server: SqlConnection, tables: readonly TableFacts[]): Promise<void> {
  const [row] = await server.query<{ log: number }>('SELECT @@log_bin AS log');
  const missing = (await missingPrivileges(server, dumpPrivileges)).filter((name) => {
    if (name === 'RELOAD') return unsafeTables(tables).length > 0;
    if (name === 'BINLOG MONITOR') return row?.log === 1;
    // Only for naming the session that holds a dump up.
    return name !== 'PROCESS';
  });
  if (missing.length === 0) return;
  const user = await currentUser(server);
  throw new SkybackupError('privilege_missing', `The backup user ${user} lacks ${missing.join(', ')} for a dump.`, {
    hint: `Run on the server: GRANT ${missing.join(', ')} ON *.* TO ${user};`,
    details: { missing },
  });
}

/** Whether a server knows time zones by name. */
export async function knowsTimeZones(server: SqlConnection): Promise<boolean> {
  const [row] = await server.query<{ at: string | null }>(
    "SELECT CONVERT_TZ('2026-01-01 12:00:00', 'Europe/Berlin', 'UTC') AS at",
  );
  return row?.at != null;
}

async function unsafeFunctions(server: SqlConnection): Promise<string[]> {
  const rows = await server.query<{ name: string }>(
    `SELECT CONCAT(db, '.', name) AS name FROM mysql.proc WHERE type = 'FUNCTION' AND db NOT IN ('mysql', 'sys')
     AND is_deterministic = 'NO' AND sql_data_access IN ('CONTAINS_SQL', 'MODIFIES_SQL_DATA') ORDER BY 1 LIMIT 5`,
  );
  return rows.map(({ name }) => name);
}

async function rolesOf(server: SqlConnection): Promise<string[]> {
  const rows = await server.query<{ role: string }>(
    "SELECT user AS role FROM mysql.user WHERE is_role = 'Y' ORDER BY 1",
  );
  return rows.map(({ role }) => role);
}

async function keptHistory(server: SqlConnection): Promise<DumpFacts['history']> {
  const rows = await server.query<{ type: string }>(
    `SELECT DISTINCT DATA_TYPE AS type FROM information_schema.COLUMNS
     WHERE GENERATION_EXPRESSION = 'ROW START' AND TABLE_SCHEMA NOT IN ('mysql', 'sys')`,
  );
  if (rows.some(({ type }) => type === 'bigint')) return 'lost';
  const [versioned] = await server.query(
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_TYPE = 'SYSTEM VERSIONED' LIMIT 1",
  );
  return versioned === undefined ? 'none' : 'kept';
}
