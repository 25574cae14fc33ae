import type { SqlConnection } from '../mariadb/connect.ts';

/** How often the server was asked for each kind of statement that changes what tables and code there are. */
export type SchemaStatements = ReadonlyMap<string, number>;

/** Accounts, servers and temporary tables are none of a dump's tables. */
const others = /_(user|role|server|temporary_table)$/;

export async function countSchemaStatements(server: SqlConnection): Promise<SchemaStatements> {
  const rows = await server.query<{ Variable_name: string; Value: string }>(
    "SHOW GLOBAL STATUS WHERE Variable_name RLIKE '^Com_(alter|create|drop|rename|truncate)'",
  );
  const counts = rows.map(({ Variable_name, Value }) => [Variable_name.slice('Com_'.length), Number(Value)] as const);
  return new Map(counts.filter(([kind]) => !others.test(kind)));
}

/** The kinds of which there were more between two counts, in words: `ALTER TABLE`, `RENAME TABLE`. */
export function schemaStatementsSince(before: SchemaStatements, after: SchemaStatements): string[] {
  return [...after]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind]) => (kind === 'truncate' ? 'TRUNCATE TABLE' : kind.replaceAll('_', ' ').toUpperCase()));
}
