import { SkybackupError } from '../../contract/errors.ts';
import type { SqlConnection } from '../mariadb/connect.ts';

export interface BrokenView {
  schema: string;
  name: string;
  /** The server's words. */
  reason: string;
  /** SHOW CREATE VIEW's statement; undefined where the server does not give it. */
  definition: string | undefined;
}

/**
 * Views that do not work on the server either: what they name is gone. One of them ends mariadb-dump with an error, and
 * one that hangs on another with a missing definer would stop the import in its middle.
 */
export async function brokenViews(server: SqlConnection): Promise<BrokenView[]> {
  const views = await server.query<{ schema: string; name: string; body: string }>(
    `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS name, VIEW_DEFINITION AS body FROM information_schema.VIEWS
     WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
     ORDER BY TABLE_SCHEMA, TABLE_NAME`,
  );
  const broken: BrokenView[] = [];
  let database = '';
  for (const { schema, name, body } of views) {
    const view = `${quoteName(schema)}.${quoteName(name)}`;
    // A view's body names stored functions without their database.
    if (schema !== database) await server.query(`USE ${quoteName(schema)}`);
    database = schema;
    const reason =
      (await refusal(server, `SHOW FIELDS FROM ${view}`)) ??
      (await refusal(server, 'PREPARE skybackup FROM ?', [body]));
    if (reason !== undefined) broken.push({ schema, name, reason, definition: await definitionOf(server, view) });
  }
  return broken;
}

async function refusal(server: SqlConnection, sql: string, params?: unknown[]): Promise<string | undefined> {
  try {
    await server.query(sql, params);
    return undefined;
  } catch (error) {
    // "Access denied" also stands for a missing definer, to accounts that may not be told.
    const refusals: readonly string[] = ['statement_failed', 'privilege_missing', 'access_denied'];
    if (error instanceof SkybackupError && refusals.includes(error.code)) return error.message;
    throw error;
  }
}

async function definitionOf(server: SqlConnection, view: string): Promise<string | undefined> {
  const rows = await server.query<{ 'Create View': string }>(`SHOW CREATE VIEW ${view}`).catch(() => []);
  return rows[0]?.['Create View'];
}

function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
