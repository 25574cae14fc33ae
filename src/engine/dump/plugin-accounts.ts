import type { SqlConnection } from '../mariadb/connect.ts';

/** An account whose way to log in is a plugin that another server may lack. */
export interface PluginAccount {
  /** As in CREATE USER. */
  name: string;
  /** Puts it into the system table as it is, which no server refuses. */
  insert: string;
}

/** What every server can. */
const always = "'', 'mysql_native_password', 'mysql_old_password'";

/** The accounts that a server without their plugin would refuse to make. */
export async function pluginAccounts(server: SqlConnection): Promise<PluginAccount[]> {
  // What it may do comes as grants, and its default role once the roles are there.
  const rows = await server.query<{ name: string; columns: string }>(
    `SELECT CONCAT('\`', REPLACE(User, '\`', '\`\`'), '\`@\`', REPLACE(Host, '\`', '\`\`'), '\`') AS name,
       CONCAT_WS(', ', QUOTE(Host), QUOTE(User), QUOTE(JSON_REMOVE(JSON_SET(Priv, '$.access', 0), '$.default_role'))) AS columns
     FROM mysql.global_priv
     WHERE COALESCE(JSON_VALUE(Priv, '$.plugin'), '') NOT IN (${always}) OR JSON_EXISTS(Priv, '$.auth_or')`,
  );
  return rows.map(({ name, columns }) => ({
    name,
    insert: `INSERT IGNORE INTO mysql.global_priv (Host, User, Priv) VALUES (${columns})`,
  }));
}

const created = /^CREATE USER IF NOT EXISTS (`(?:[^`]|``)*`@`(?:[^`]|``)*`) .*;$/;

/**
 * The statement of an account so that it comes about also where its plugin is not loaded (error 1524): nobody can log in as
 * it there until it is, and the rest of the dump is not lost over it.
 */
export function createdEitherWay(line: string, accounts: readonly PluginAccount[]): string {
  const name = created.exec(line)?.[1];
  const account = accounts.find((each) => each.name === name);
  if (account === undefined) return line;
  return `DELIMITER ;;
BEGIN NOT ATOMIC
DECLARE EXIT HANDLER FOR 1524 BEGIN ${account.insert}; FLUSH PRIVILEGES; END;
${line}
END ;;
DELIMITER ;`;
}
