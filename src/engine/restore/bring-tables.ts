import { SkybackupError } from '../../contract/errors.ts';
import type { TablePattern } from '../../contract/table-pattern.ts';
import { brokenViews } from '../dump/broken-views.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { quoted } from '../mariadb/quoted.ts';

interface Name {
  schema: string;
  name: string;
}

const system = "('mysql', 'sys', 'information_schema', 'performance_schema')";
/** Names in a statement, in a sentence. */
const [dropAtOnce, namedInWords] = [50, 5];

/**
 * Drops everything of users' schemas but the wanted tables: of a schema wanted as a whole everything stays, of another its
 * routines besides its wanted tables, whose triggers may call them. Views that no longer work are dropped too. Accounts
 * stay. Returns a sentence for each thing that was left out of what stays, or will fail for want of it. Throws
 * `invalid_request` when something wanted is not there.
 */
export async function bringTables(server: SqlConnection, wanted: readonly TablePattern[]): Promise<string[]> {
  const tables = await server.query<Name>(
    `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS name FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN ${system} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')`,
  );
  const schemas = await server.query<{ name: string }>(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ${system}`,
  );
  const [row] = await server.query<{ folded: number }>('SELECT @@lower_case_table_names AS folded');
  const fold = Number(row?.folded ?? 0) !== 0;
  checkWanted(wanted, tables, fold, schemas);

  const choice = choose(wanted, fold);
  const dropped = tables.filter((table) => !choice.table(table));
  const brokenBefore = new Set((await brokenViews(server)).map(inWords));
  const references = await foreignKeysTo(server, dropped);
  await server.query('SET SESSION sql_log_bin = 0, foreign_key_checks = 0');
  for (const { name } of schemas) {
    if (!choice.schema(name)) await server.query(`DROP DATABASE \`${name.replaceAll('`', '``')}\``);
  }
  const single = dropped.filter(({ schema }) => choice.schema(schema));
  for (let at = 0; at < single.length; at += dropAtOnce) {
    await server.query(
      `DROP TABLE ${single
        .slice(at, at + dropAtOnce)
        .map((table) => quoted(table.schema, table.name))
        .join(', ')}`,
    );
  }
  for (const event of await eventsOf(server)) {
    if (!choice.whole(event.schema)) await server.query(`DROP EVENT ${quoted(event.schema, event.name)}`);
  }
  const views = (await brokenViews(server)).filter((view) => !brokenBefore.has(inWords(view)));
  for (const view of views) await server.query(`DROP VIEW ${quoted(view.schema, view.name)}`);
  await server.query('SET SESSION foreign_key_checks = 1');
  const kept = references.filter(({ schema, name }) => choice.table({ schema, name }));
  return [
    ...sentence(views.map(inWords), (names) => `Views that read what was not brought were left out: ${names}.`),
    ...sentence(
      kept.map((key) => `${inWords(key)} (to ${key.parent})`),
      (names) => `Foreign keys to tables that were not brought stay, and refuse new rows: ${names}.`,
    ),
    ...sentence(
      await codeThatNames(server, dropped),
      (names) => `These name what was not brought and may fail: ${names}.`,
    ),
  ];
}

/** Throws `invalid_request` naming what is wanted and not among the tables (of a backup, or of a server). */
export function checkWanted(
  wanted: readonly TablePattern[],
  tables: readonly Name[],
  fold: boolean,
  schemas: readonly { name: string }[] = tables.map(({ schema }) => ({ name: schema })),
): void {
  const same = (a: string, b: string): boolean => (fold ? a.toLowerCase() === b.toLowerCase() : a === b);
  const missing = wanted.find(({ schema, table }) =>
    table === undefined
      ? !schemas.some(({ name }) => same(name, schema))
      : !tables.some((each) => same(each.schema, schema) && same(each.name, table)),
  );
  if (missing === undefined) return;
  const { schema, table } = missing;
  const near = tables.filter((each) => same(each.schema, schema)).map(({ name }) => name);
  const known = [...new Set(schemas.map(({ name }) => name))];
  const [kind, there] = near.length > 0 ? [`Tables of ${schema}`, near] : ['Schemas', known];
  throw new SkybackupError(
    'invalid_request',
    `There is no ${table === undefined ? `schema ${schema}` : `table ${schema}.${table}`} in what is restored.`,
    { hint: `${kind}: ${listed(there) || 'none'}.` },
  );
}

function choose(wanted: readonly TablePattern[], fold: boolean) {
  const key = (text: string): string => (fold ? text.toLowerCase() : text);
  const both = (schema: string, name: string): string => JSON.stringify([key(schema), key(name)]);
  const whole = new Set(wanted.flatMap(({ schema, table }) => (table === undefined ? [key(schema)] : [])));
  const schemas = new Set(wanted.map(({ schema }) => key(schema)));
  const single = new Set(wanted.flatMap(({ schema, table }) => (table === undefined ? [] : [both(schema, table)])));
  return {
    schema: (schema: string): boolean => schemas.has(key(schema)),
    whole: (schema: string): boolean => whole.has(key(schema)),
    table: ({ schema, name }: Name): boolean => whole.has(key(schema)) || single.has(both(schema, name)),
  };
}

async function foreignKeysTo(server: SqlConnection, dropped: readonly Name[]): Promise<(Name & { parent: string })[]> {
  const gone = new Set(dropped.map(inWords));
  const keys = await server.query<Name & { parentSchema: string; parentName: string }>(
    `SELECT CONSTRAINT_SCHEMA AS \`schema\`, TABLE_NAME AS name,
            UNIQUE_CONSTRAINT_SCHEMA AS parentSchema, REFERENCED_TABLE_NAME AS parentName
     FROM information_schema.REFERENTIAL_CONSTRAINTS`,
  );
  return keys
    .map(({ schema, name, parentSchema, parentName }) => ({ schema, name, parent: `${parentSchema}.${parentName}` }))
    .filter(({ parent }) => gone.has(parent));
}

async function eventsOf(server: SqlConnection): Promise<Name[]> {
  return server.query<Name>('SELECT EVENT_SCHEMA AS `schema`, EVENT_NAME AS name FROM information_schema.EVENTS');
}

/** Triggers, routines, events and column defaults in whose text the name of a dropped table stands. */
async function codeThatNames(server: SqlConnection, dropped: readonly Name[]): Promise<string[]> {
  const schemasOf = new Map<string, string[]>();
  for (const { schema, name } of dropped) {
    schemasOf.set(name.toLowerCase(), [...(schemasOf.get(name.toLowerCase()) ?? []), schema.toLowerCase()]);
  }
  const code = await server.query<Name & { kind: string; body: string | null }>(
    `SELECT 'trigger' AS kind, TRIGGER_SCHEMA AS \`schema\`, TRIGGER_NAME AS name, ACTION_STATEMENT AS body
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA NOT IN ${system}
     UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION
     FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN ${system}
     UNION ALL SELECT 'event', EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS
     UNION ALL SELECT 'default of column', TABLE_SCHEMA, CONCAT(TABLE_NAME, '.', COLUMN_NAME), COLUMN_DEFAULT
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA NOT IN ${system} AND COLUMN_DEFAULT LIKE '%nextval(%'`,
  );
  return code
    .filter(({ schema, body }) => {
      const names = namesIn(body ?? '');
      return [...names].some((name) =>
        schemasOf.get(name)?.some((each) => each === schema.toLowerCase() || names.has(each)),
      );
    })
    .map((each) => `${each.kind} ${inWords(each)}`);
}

/** Everything in a statement that could be a name, in small letters. */
function namesIn(body: string): Set<string> {
  const names = body.matchAll(/`((?:[^`]|``)+)`|([\p{L}\p{N}_$]+)/gu);
  return new Set([...names].map(([, inQuotes, bare]) => (inQuotes?.replaceAll('``', '`') ?? bare ?? '').toLowerCase()));
}

function sentence(names: readonly string[], words: (names: string) => string): string[] {
  return names.length === 0 ? [] : [words(listed([...new Set(names)]))];
}

function listed(names: readonly string[]): string {
  const more = names.length - namedInWords;
  return `${names.slice(0, namedInWords).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function inWords({ schema, name }: Name): string {
  return `${schema}.${name}`;
}
