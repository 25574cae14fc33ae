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

/**
 * What the login `user` (quoted) lacks for making anything anew that a server can hold, accounts with any rights and these
 * roles included: nobody may grant what he has not got himself.
 */
export async function missingForEverything(
  server: SqlConnection,
  user: string,
  roles: readonly string[],
): Promise<MissingGrants> {
  const rows = await server.query<Record<string, string>>('SHOW GRANTS');
  const lines = rows.flatMap((row) => Object.values(row));
  const held = heldPrivileges(lines);
  const known = await server.query<{ Privilege: string }>('SHOW PRIVILEGES');
  const same = (name: string): string => name.toUpperCase().replaceAll('_', ' ');
  const heldNames = new Set([...held].map(same));
  const missing = held.has('ALL PRIVILEGES')
    ? []
    : known.map(({ Privilege }) => same(Privilege)).filter((name) => !heldNames.has(name) && !notByName.has(name));
  const statements: string[] = [];
  const mayGrant = lines.some((line) => / ON \*\.\* TO /.test(line) && line.endsWith('WITH GRANT OPTION'));
  if (!mayGrant) missing.push('GRANT OPTION');
  if (missing.length > 0) statements.push(`GRANT ALL PRIVILEGES ON *.* TO ${user} WITH GRANT OPTION`);
  if (!lines.some((line) => /^GRANT PROXY ON (``|'')@(`%`|'%') TO .*WITH GRANT OPTION$/.test(line))) {
    missing.push("PROXY ON ''@'%'");
    statements.push(`GRANT PROXY ON ''@'%' TO ${user} WITH GRANT OPTION`);
  }
  for (const role of await rolesWithoutUs(server, roles)) {
    missing.push(`ADMIN OPTION of the role ${role}`);
    statements.push(`GRANT ${role} TO ${user} WITH ADMIN OPTION`);
  }
  return { missing, statements };
}

export interface MissingGrants {
  /** Each by its name. */
  missing: string[];
  /** What gives all of them. */
  statements: string[];
}

/** Not granted by name, or looked at by themselves. */
const notByName: ReadonlySet<string> = new Set(['USAGE', 'PROXY', 'GRANT OPTION']);

/** Those of the roles that are there and that this login may not grant: having all privileges does not help with them. */
async function rolesWithoutUs(server: SqlConnection, roles: readonly string[]): Promise<string[]> {
  if (roles.length === 0) return [];
  const rows = await server
    .query<{ role: string }>(
      `SELECT user AS role FROM mysql.user WHERE is_role = 'Y' AND user IN (?) AND user NOT IN (
         SELECT role FROM mysql.roles_mapping WHERE admin_option = 'Y' AND CONCAT(user, '@', host) = CURRENT_USER())`,
      [roles],
    )
    // Without SELECT there more is missing, and said.
    .catch(() => []);
  return rows.map(({ role }) => `\`${role.replaceAll('`', '``')}\``);
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
