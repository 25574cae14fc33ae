import { runCommand } from '../mariadb/command.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { fileOptionArguments } from '../mariadb/server-options.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Staging } from './staging.ts';

/** Makes an empty data directory in the staging folder as the dumped server's own was. Throws `restore_failed`, `cancelled`. */
export async function makeEmptyData({ server }: Manifest, staging: Staging, signal: AbortSignal): Promise<void> {
  await runCommand(
    {
      path: findTool('mariadb-install-db'),
      args: [
        '--no-defaults',
        `--datadir=${staging.data}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--skip-name-resolve',
        ...(process.getuid?.() === 0 && staging.as.uid === undefined ? ['--user=root'] : []),
        ...fileOptionArguments(server.options),
      ],
      env: { ...staging.env, TMPDIR: staging.temporary },
      ...staging.as,
    },
    { signal, failure: 'restore_failed' },
  );
}

/**
 * Removes the accounts that a new data directory comes with: root without a password. A dump only makes accounts that are
 * missing, so these would stay, beside or instead of the dumped server's. Its own sys schema needs `mariadb.sys`.
 */
export async function removeFirstAccounts(connection: SqlConnection): Promise<void> {
  const others = "user <> 'mariadb.sys' AND user <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1)";
  await connection.query(`DELETE FROM mysql.global_priv WHERE ${others}`);
  await connection.query(`DELETE FROM mysql.proxies_priv WHERE ${others}`);
  await connection.query('FLUSH PRIVILEGES');
}
