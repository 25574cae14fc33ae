import type { SqlConnection } from './connect.ts';

/** All global variables of a server by name. */
export async function globalVariables(server: SqlConnection): Promise<Record<string, string>> {
  const rows = await server.query<{ Variable_name: string; Value: string }>('SHOW GLOBAL VARIABLES');
  return Object.fromEntries(rows.map((row) => [row.Variable_name, row.Value]));
}
