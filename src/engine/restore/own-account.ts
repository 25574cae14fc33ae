import { ownAccount, ownAccountSql } from '../managed/account.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { accountStatements, passwordHash } from '../mariadb/native-account.ts';

/**
 * Makes the daemon's account in restored data what it is on the target, so that the target's stored login and its
 * scheduled backups go on. An account that fits already is not touched: restored accounts then stay byte for byte.
 */
export async function keepOwnAccount(connection: SqlConnection, password: string): Promise<void> {
  const [row] = await connection.query<{ hash: string | null; grants: string }>(
    `SELECT JSON_VALUE(priv, '$.authentication_string') AS hash, COALESCE(JSON_VALUE(priv, '$.access'), 0) AS grants
     FROM mysql.global_priv WHERE user = ? AND host = ?`,
    [ownAccount.user, ownAccount.host],
  );
  const fresh = await connection.query<{ grants: string }>(
    `SELECT COALESCE(JSON_VALUE(priv, '$.access'), 0) AS grants FROM mysql.global_priv
     WHERE user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND host = 'localhost'`,
  );
  if (row?.hash === passwordHash(password) && row.grants === fresh[0]?.grants) return;
  await connection.query('SET SESSION sql_log_bin = 0');
  for (const statement of accountStatements(ownAccountSql, password)) await connection.query(statement);
}
