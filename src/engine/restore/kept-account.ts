import { toSkybackupError } from '../../contract/errors.ts';
import type { SqlConnection } from '../mariadb/connect.ts';

/** An account as its server describes it, in statements that make it anew. Its password is in them as a hash. */
export interface AccountStatements {
  /** Quoted: `backup`@`localhost`. */
  account: string;
  statements: string[];
}

/** The account that a connection is logged in with. */
export async function ownAccountOf(server: SqlConnection): Promise<AccountStatements> {
  const [row] = await server.query<{ account: string }>('SELECT CURRENT_USER() AS account');
  return describe(server, quoted(row?.account ?? ''));
}

/**
 * Makes an account in restored data what it was on the target, so that the stored login goes on. One that fits already is
 * not touched. Returns the grants that the restored data do not take: for tables or roles that are not in them.
 */
export async function keepAccount(restored: SqlConnection, kept: AccountStatements): Promise<string[]> {
  const present = await describe(restored, kept.account).catch(() => undefined);
  if (present !== undefined && same(present.statements, kept.statements)) return [];
  await restored.query('SET SESSION sql_log_bin = 0');
  const [create = '', ...grants] = kept.statements;
  await restored.query(create.replace(/^CREATE USER /, 'CREATE OR REPLACE USER '));
  const refused: string[] = [];
  for (const grant of grants) {
    await restored.query(grant).catch((error: unknown) => {
      refused.push(toSkybackupError(error).message);
    });
  }
  return refused;
}

/**
 * Takes back what an import changed of the login that it used itself: grants and a default role that came with the dump's
 * account of that name, and the role that mariadb-dump makes for the time of an import. `warn` hears what could not be:
 * membership in a role, for one, which only whoever may grant the role takes away.
 */
export async function putAccountBack(
  server: SqlConnection,
  before: AccountStatements,
  warn: (words: string) => void,
): Promise<void> {
  const { account } = before;
  const attempt = (sql: string, what = sql): Promise<unknown> =>
    server.query(sql).catch((error: unknown) => warn(`"${what}" was refused. ${toSkybackupError(error).message}`));
  await attempt('DROP ROLE IF EXISTS mariadb_dump_import_role');
  const now = await describe(server, account).catch(() => before);
  for (const statement of without(now.statements, before.statements)) {
    const back = takenBack(statement);
    if (back !== undefined) await attempt(back);
  }
  for (const statement of without(before.statements, now.statements)) {
    // Its password as a hash is in there.
    await attempt(statement.replace(/^CREATE USER /, 'ALTER USER '), `ALTER USER ${account}, as it was`);
  }
}

/** The statement that undoes one of SHOW GRANTS; undefined where another of them replaces it. */
function takenBack(statement: string): string | undefined {
  const [, role, who] = /^SET DEFAULT ROLE (.+) FOR (.+)$/.exec(statement) ?? [];
  if (role !== undefined) return `SET DEFAULT ROLE NONE FOR ${who}`;
  const [, what, to, option] = /^GRANT (.+) TO (.+?)( WITH (?:GRANT|ADMIN) OPTION)?$/.exec(statement) ?? [];
  // A global grant carries the password, and is only ever replaced.
  if (what === undefined || / ON \*\.\*$/.test(what)) return undefined;
  const object = /^(.+) ON (.+)$/.exec(what);
  if (object === null) return `REVOKE ${what} FROM ${to}`;
  const [, privileges, on] = object;
  return `REVOKE ${privileges}${option?.includes('GRANT') && privileges !== 'PROXY' ? ', GRANT OPTION' : ''} ON ${on} FROM ${to}`;
}

function without(these: readonly string[], those: readonly string[]): string[] {
  return these.filter((statement) => !those.includes(statement));
}

async function describe(server: SqlConnection, account: string): Promise<AccountStatements> {
  const created = await server.query<Record<string, string>>(`SHOW CREATE USER ${account}`);
  const granted = await server.query<Record<string, string>>(`SHOW GRANTS FOR ${account}`);
  return { account, statements: [...created, ...granted].flatMap((row) => Object.values(row)) };
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.toSorted().join('\n') === other.toSorted().join('\n');
}

/** The last `@` divides: hosts hold none. */
function quoted(account: string): string {
  const at = account.lastIndexOf('@');
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  return `${quote(account.slice(0, at))}@${quote(account.slice(at + 1))}`;
}
