import type { SqlConnection } from './connect.ts';

/**
 * What of a server's files is encrypted at rest, for people; empty: nothing. Preparing such a backup needs the server's
 * key plugin and keys: a backup taken without them in mind would fail at its restore, the worst moment to learn it.
 */
export async function encryptedParts(
  server: SqlConnection,
  variables: Readonly<Record<string, string>>,
): Promise<string[]> {
  const on = (name: string): boolean => !/^(OFF|0|)$/i.test(variables[name] ?? '');
  const parts: string[] = [];
  if (on('innodb_encrypt_log')) parts.push('innodb_encrypt_log');
  if (on('innodb_encrypt_tables')) parts.push('innodb_encrypt_tables');
  if (on('aria_encrypt_tables')) parts.push('aria_encrypt_tables');
  const tables = await server.query<{ name: string }>(
    `SELECT NAME AS name FROM information_schema.innodb_tablespaces_encryption
     WHERE ENCRYPTION_SCHEME <> 0 ORDER BY NAME LIMIT 3`,
  );
  return [...parts, ...tables.map((table) => `tablespace ${table.name}`)];
}
