/** Tables to bring: one by its name, or all of a schema together with its views, routines and events. */
export interface TablePattern {
  schema: string;
  /** Undefined: everything of the schema. */
  table: string | undefined;
}

const quoted = '`((?:[^`]|``)+)`';
const pattern = new RegExp(`^(?:${quoted}|([^\`.]+))\\.(?:${quoted}|(\\*)|([^\`]+))$`, 'u');

/** `shop.orders`, `shop.*`, or with backquotes around a name of which a dot, a backquote or a lone star is part. */
export function parseTablePattern(text: string): TablePattern | undefined {
  const [, quotedSchema, schema, quotedTable, all, table] = pattern.exec(text) ?? [];
  const database = unquoted(quotedSchema) ?? schema;
  if (database === undefined) return undefined;
  return { schema: database, table: all === undefined ? (unquoted(quotedTable) ?? table) : undefined };
}

function unquoted(name: string | undefined): string | undefined {
  return name?.replaceAll('``', '`');
}
