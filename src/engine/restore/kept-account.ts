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
