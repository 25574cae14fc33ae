import type { SqlConnection } from '../../src/engine/mariadb/connect.ts';

/** Every table and all other code of the history's databases: name → checksum of its rows, and its definition. */
export type Fingerprint = ReadonlyMap<string, string>;

/** Reads the databases `h_…`, which belong to histories: nothing else writes to them. */
export async function fingerprintOf(sql: SqlConnection): Promise<Fingerprint> {
  const tables = await sql.query<{ name: string }>(
    `SELECT CONCAT('\`', table_schema, '\`.\`', table_name, '\`') AS name FROM information_schema.tables
     WHERE table_schema LIKE 'h\\_%' AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1`,
  );
  const print = new Map<string, string>();
  if (tables.length > 0) {
    const names = tables.map(({ name }) => name);
    const sums = await sql.query<{ Checksum: number | null }>(`CHECKSUM TABLE ${names.join(', ')} EXTENDED`);
    for (const [index, name] of names.entries()) {
      const [shown] = await sql.query<Record<string, string>>(`SHOW CREATE TABLE ${name}`);
      // The next number is kept in memory or on disk as the server likes; a checksum of rows that no one wrote is no loss.
      const text = (shown?.['Create Table'] ?? '').replace(/ AUTO_INCREMENT=\d+/, '');
      print.set(name, `${sums[index]?.Checksum} ${text}`);
    }
  }
  const code = await sql.query<{ name: string; text: string }>(
    `SELECT CONCAT('view ', table_schema, '.', table_name) AS name, view_definition AS text
       FROM information_schema.views WHERE table_schema LIKE 'h\\_%'
     UNION ALL SELECT CONCAT('trigger ', trigger_schema, '.', trigger_name), action_statement
       FROM information_schema.triggers WHERE trigger_schema LIKE 'h\\_%'
     UNION ALL SELECT CONCAT('routine ', routine_schema, '.', routine_name), routine_definition
       FROM information_schema.routines WHERE routine_schema LIKE 'h\\_%'
     UNION ALL SELECT CONCAT('event ', event_schema, '.', event_name), event_definition
       FROM information_schema.events WHERE event_schema LIKE 'h\\_%'
     UNION ALL SELECT CONCAT('database ', schema_name), CONCAT(default_character_set_name, ' ', default_collation_name)
       FROM information_schema.schemata WHERE schema_name LIKE 'h\\_%'
     ORDER BY 1`,
  );
  for (const { name, text } of code) print.set(name, text);
  return print;
}

/** What differs, in words; empty when they are the same. */
export function differences(wanted: Fingerprint, found: Fingerprint): string[] {
  const names = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return names.flatMap((name) => {
    const [one, other] = [wanted.get(name), found.get(name)];
    if (one === other) return [];
    return [`${name}: wanted ${brief(one)}, found ${brief(other)}`];
  });
}

function brief(text: string | undefined): string {
  return text === undefined ? 'none' : text.replace(/\s+/g, ' ').slice(0, 400);
}
