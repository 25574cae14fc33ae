import type { SqlConnection } from './connect.ts';

type Needed = readonly (readonly [string, ...string[]])[];

/**
 * Global privileges a full backup needs. SELECT is for the list of tables: without it the server hides them.
 * BINLOG MONITOR was called REPLICATION CLIENT before 10.5.
 */
const needed: Needed = [
  ['RELOAD'],
  ['PROCESS'],
  ['LOCK TABLES'],
  ['BINLOG MONITOR', 'REPLICATION CLIENT', 'SUPER'],
  ['SELECT'],
];

/** What archiving binary logs needs: to begin a new one, to list them, and to read them as a replica does. */
export const binlogPrivileges: Needed = [
  ['RELOAD'],
  ['BINLOG MONITOR', 'REPLICATION CLIENT', 'SUPER'],
  ['REPLICATION SLAVE'],
];

/**
 * What a dump needs; RELOAD only where it locks all tables, BINLOG MONITOR where there is a binary log, PROCESS to name the
 * session in its way. Without TRIGGER the triggers would be left out silently. Accounts are read by SELECT.
 */
export const dumpPrivileges: Needed = [
  ['SELECT'],
  ['SHOW VIEW'],
  ['TRIGGER'],
  ['EVENT'],
  ['RELOAD'],
  ['BINLOG MONITOR', 'REPLICATION CLIENT', 'SUPER'],
  ['PROCESS'],
];

/** The names of all of them as a GRANT has them. */
export const backupPrivileges: readonly string[] = [
  ...new Set([...needed, ...binlogPrivileges, ...dumpPrivileges].map(([name]) => name)),
];

/** Which privileges (by default those of a full backup) the user of this connection lacks. Active roles count. */
export async function missingPrivileges(server: SqlConnection, wanted: Needed = needed): Promise<string[]> {
  const rows = await server.query<Record<string, string>>('SHOW GRANTS');
  const held = heldPrivileges(rows.flatMap((row) => Object.values(row)));
  if (held.has('ALL PRIVILEGES')) return [];
  return wanted.filter((names) => !names.some((name) => held.has(name))).map(([name]) => name);
}

/** The global privileges in the lines of SHOW GRANTS. */
export function heldPrivileges(grants: readonly string[]): Set<string> {
  return new Set(
    grants
      .flatMap((line) => /^GRANT (.+?) ON \*\.\* TO /.exec(line)?.[1]?.split(/,\s*/) ?? [])
      .map((name) => name.trim()),
  );
}

/** `'user'@'host'` as a GRANT statement takes it. */
export async function currentUser(server: SqlConnection): Promise<string> {
  const [row] = await server.query<{ name: string }>('SELECT CURRENT_USER() AS name');
  const name = row?.name ?? '';
  const at = name.lastIndexOf('@');
  const quote = (part: string): string => `'${part.replaceAll("'", "''")}'`;
  return `${quote(name.slice(0, at))}@${quote(name.slice(at + 1))}`;
}
