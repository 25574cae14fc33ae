import type { SqlConnection } from '../../src/engine/mariadb/connect.ts';
import type { Dice } from './dice.ts';

/** What becomes one transaction, or none where the server refuses it. */
export interface Unit {
  statements: string[];
  /** The GTID domain it is written in. */
  domain: number;
  /** Unix seconds: what `SET timestamp` claims that the time was. */
  forged?: number;
}

interface Table {
  name: string;
  schema: string;
  engine: string;
  /** Columns that were added by an ALTER. */
  added: string[];
}

const databases = ['h_one', 'h_two', 'h_three'];
const year = 365 * 24 * 3600;

/** The databases and tables that a history begins with. */
export const beginning: readonly Unit[] = [
  ...['h_one', 'h_two', 'h_long'].map((name) => alone(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)),
  alone(createTable('h_one.t1', 'InnoDB')),
  alone(createTable('h_two.t2', 'InnoDB')),
  alone(createTable('h_long.slow', 'InnoDB')),
  alone(createTable('h_long.always', 'InnoDB')),
];

/** Rows are written, in one statement or a transaction of some. */
export async function rowsUnit(sql: SqlConnection, dice: Dice): Promise<Unit> {
  const tables = await tablesOf(sql);
  const atOnce = tables.filter(({ engine }) => engine === 'InnoDB');
  const one = tables.length === 0 || dice.chance(60);
  const statements = one
    ? [rows(tables.length === 0 ? lastingTable : dice.one(tables), dice)]
    : inTransaction(atOnce.length === 0 ? [lastingTable] : atOnce, dice);
  return { statements, ...circumstances(dice) };
}

/** Tables, columns, views, triggers, routines or whole databases come, change or go. */
export async function schemaUnit(sql: SqlConnection, dice: Dice): Promise<Unit> {
  const tables = await tablesOf(sql);
  return { statements: [schemaChange(tables, dice)], ...circumstances(dice) };
}

/** Rows for a transaction that stays open while others come and go: in tables that nobody else locks. */
export function slowStatement(dice: Dice): string {
  return rows(longTable, dice);
}

/** Left when all others are dropped. */
const lastingTable: Table = { name: 'h_long.always', schema: 'h_long', engine: 'InnoDB', added: [] };
const longTable: Table = { name: 'h_long.slow', schema: 'h_long', engine: 'InnoDB', added: [] };

function alone(statement: string): Unit {
  return { statements: [statement], domain: 0 };
}

function circumstances(dice: Dice): { domain: number; forged?: number } {
  const domain = dice.weighted([
    { weight: 5, domain: 0 },
    { weight: 2, domain: 1 },
    { weight: 1, domain: 4_294_967_295 },
  ]).domain;
  if (!dice.chance(20)) return { domain };
  const now = Math.floor(Date.now() / 1000);
  return { domain, forged: now + dice.one([-20 * year, -3600, -5, -1, 1, 5, 3600, 5 * year]) };
}

function inTransaction(tables: Table[], dice: Dice): string[] {
  const some = (most: number): string[] =>
    Array.from({ length: dice.whole(1, most) }, () => rows(dice.one(tables), dice));
  const undone = dice.chance(30) ? ['SAVEPOINT s', ...some(2), 'ROLLBACK TO SAVEPOINT s'] : [];
  return ['START TRANSACTION', ...some(3), ...undone, ...some(2), dice.chance(10) ? 'ROLLBACK' : 'COMMIT'];
}

function rows({ name }: Table, dice: Dice): string {
  const modulus = dice.whole(2, 5);
  const where = `id % ${modulus} = ${dice.whole(0, modulus - 1)}`;
  const values = (): string =>
    `(${quoted(dice.word())}, ${dice.whole(-1000, 1000)}, REPEAT(x'${dice.whole(16, 255).toString(16)}', ${dice.one([0, 3, 300, 20_000])}))`;
  return dice.weighted([
    {
      weight: 4,
      text: `INSERT INTO ${name} (v, n, b) VALUES ${Array.from({ length: dice.whole(1, 5) }, values).join(', ')}`,
    },
    {
      weight: 3,
      text: `UPDATE ${name} SET n = COALESCE(n, 0) + ${dice.whole(1, 9)}, v = ${quoted(dice.word())} WHERE ${where}`,
    },
    { weight: 2, text: `DELETE FROM ${name} WHERE ${where}` },
    { weight: 1, text: `REPLACE INTO ${name} (id, v) VALUES (${dice.whole(1, 50)}, ${quoted(dice.word())})` },
  ]).text;
}

function schemaChange(tables: Table[], dice: Dice): string {
  const fresh = `${dice.one(databases)}.t${dice.whole(1, 9)}`;
  if (tables.length === 0) return `CREATE DATABASE IF NOT EXISTS ${dice.one(databases)}`;
  const table = dice.one(tables);
  const other = dice.one(tables);
  const short = table.name.replace(/\W/g, '_');
  const column = `c${dice.whole(1, 9)}`;
  const dropped = table.added.length === 0 ? undefined : dice.one(table.added);
  const choices: { weight: number; text: string }[] = [
    { weight: 4, text: createTable(fresh, dice.one(['InnoDB', 'InnoDB', 'InnoDB', 'InnoDB', 'Aria', 'MyISAM'])) },
    { weight: 1, text: `CREATE TABLE ${fresh} LIKE ${table.name}` },
    { weight: 1, text: `CREATE TABLE ${fresh} AS SELECT * FROM ${table.name} WHERE id > 3` },
    {
      weight: 2,
      text: `ALTER TABLE ${table.name} ADD COLUMN ${column} VARCHAR(20) DEFAULT ${quoted(dice.word().slice(0, 20))}`,
    },
    { weight: 1, text: `ALTER TABLE ${table.name} ADD COLUMN ${column} INT AS (id + 1) PERSISTENT FIRST` },
    { weight: 1, text: `ALTER TABLE ${table.name} ADD INDEX (n), COMMENT = ${quoted(dice.word())}` },
    { weight: 1, text: `ALTER TABLE ${table.name} ENGINE = ${dice.one(['InnoDB', 'InnoDB', 'Aria'])}` },
    { weight: 1, text: `ALTER TABLE ${table.name} ROW_FORMAT = ${dice.one(['DYNAMIC', 'COMPRESSED', 'REDUNDANT'])}` },
    { weight: 2, text: `TRUNCATE TABLE ${table.name}` },
    { weight: 2, text: `RENAME TABLE ${table.name} TO ${fresh}` },
    { weight: 2, text: `DROP TABLE ${table.name}` },
    {
      weight: 1,
      text: `CREATE OR REPLACE VIEW ${table.schema}.v${dice.whole(1, 3)} AS SELECT v, n FROM ${other.name}`,
    },
    {
      weight: 1,
      text: `CREATE OR REPLACE TRIGGER ${table.schema}.g_${short} BEFORE INSERT ON ${table.name} FOR EACH ROW SET NEW.n = COALESCE(NEW.n, 0) + 1`,
    },
    {
      weight: 1,
      text: `CREATE OR REPLACE PROCEDURE ${table.schema}.p${dice.whole(1, 3)}() SELECT ${quoted(dice.word())}`,
    },
    {
      weight: 1,
      text: `CREATE OR REPLACE EVENT ${table.schema}.e${dice.whole(1, 2)} ON SCHEDULE EVERY 1 YEAR STARTS '2050-01-01' DO SELECT ${dice.whole(1, 99)}`,
    },
    {
      weight: 2,
      text: `CREATE DATABASE IF NOT EXISTS ${dice.one(databases)} CHARACTER SET ${dice.one(['utf8mb4', 'latin1'])}`,
    },
    { weight: 1, text: `DROP DATABASE ${table.schema}` },
  ];
  if (dropped !== undefined) choices.push({ weight: 3, text: `ALTER TABLE ${table.name} DROP COLUMN ${dropped}` });
  return dice.weighted(choices).text;
}

function createTable(name: string, engine: string): string {
  return `CREATE TABLE ${name} (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200), n BIGINT, b MEDIUMBLOB) ENGINE=${engine}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

async function tablesOf(sql: SqlConnection): Promise<Table[]> {
  const rows = await sql.query<{ schema: string; name: string; engine: string; columns: string }>(
    `SELECT t.table_schema AS \`schema\`, CONCAT(t.table_schema, '.', t.table_name) AS name, t.engine AS engine,
            GROUP_CONCAT(c.column_name ORDER BY c.ordinal_position) AS columns
     FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
     WHERE t.table_schema IN (?) AND t.table_type = 'BASE TABLE' GROUP BY 1, 2, 3 ORDER BY 2`,
    [databases],
  );
  return rows.map(({ columns, ...table }) => ({
    ...table,
    added: columns.split(',').filter((column) => /^c\d$/.test(column)),
  }));
}
