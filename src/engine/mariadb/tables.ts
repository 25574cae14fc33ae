import type { SqlConnection } from './connect.ts';

export interface TableFacts {
  schema: string;
  name: string;
  engine: string | null;
  /** The engine's estimate. */
  rows: number | null;
  /** Data and indexes. */
  bytes: number | null;
}

/** Every table and sequence of the server, the system schemas' own included; views are not among them. */
export async function listTables(server: SqlConnection): Promise<TableFacts[]> {
  return server.query<TableFacts>(
    `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS name, ENGINE AS engine, TABLE_ROWS AS \`rows\`,
            DATA_LENGTH + INDEX_LENGTH AS bytes
     FROM information_schema.TABLES
     WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')
       AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema')
     ORDER BY TABLE_SCHEMA, TABLE_NAME`,
  );
}
