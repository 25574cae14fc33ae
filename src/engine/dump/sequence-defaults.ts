import type { SqlConnection } from '../mariadb/connect.ts';
import { quoted } from '../mariadb/quoted.ts';

/** What a dump needs for column defaults that count by a sequence. */
export interface SequenceDefaults {
  /** Some table has one: between LOCK TABLES and UNLOCK TABLES no row could be put into it, for its sequence is not locked. */
  any: boolean;
  /**
   * Statements that make, ahead of all tables, each sequence that a table of another database names. Databases are dumped
   * one after the other, and a table is refused while its sequence is missing. The dump makes them anew at their place,
   * with their values.
   */
  early: string;
}

/** Looks for column defaults that count by a sequence, and for the sequences that they need before their own turn. */
export async function sequenceDefaults(server: SqlConnection): Promise<SequenceDefaults> {
  const sequences = await server.query<{ schema: string; name: string }>(
    "SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE'",
  );
  if (sequences.length === 0) return { any: false, early: '' };
  const defaults = await server.query<{ schema: string; text: string }>(
    `SELECT TABLE_SCHEMA AS \`schema\`, COLUMN_DEFAULT AS text FROM information_schema.COLUMNS
     WHERE COLUMN_DEFAULT RLIKE '(nextval|lastval|setval)[(]'`,
  );
  const early = sequences.filter(({ schema, name }) =>
    defaults.some((each) => each.schema !== schema && each.text.includes(`(${quoted(schema, name)}`)),
  );
  const statements: string[] = [];
  // With its own character set: a database that is there is not made again.
  for (const schema of new Set(early.map((each) => each.schema))) {
    const [row] = await server.query<Record<string, string>>(
      `SHOW CREATE DATABASE IF NOT EXISTS \`${schema.replaceAll('`', '``')}\``,
    );
    statements.push(`${row?.['Create Database']};\n`);
  }
  for (const { schema, name } of early) statements.push(`CREATE SEQUENCE IF NOT EXISTS ${quoted(schema, name)};\n`);
  return { any: defaults.length > 0, early: statements.join('') };
}
