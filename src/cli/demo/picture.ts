import type { SqlConnection } from '../../engine/mariadb/connect.ts';

/** Everything the shop consists of at one moment, comparable: a checksum over all rows of each table, and the other objects' text. */
export interface Picture {
  /** Table → `CHECKSUM TABLE … EXTENDED`. */
  checksums: Map<string, string>;
  /** Views, triggers and events → their definition. */
  objects: Map<string, string>;
  rows: number;
  bytes: number;
}

export async function takePicture(sql: SqlConnection, schema = 'shop'): Promise<Picture> {
  const tables = await sql.query<{ name: string; bytes: number }>(
    `SELECT TABLE_NAME AS name, DATA_LENGTH + INDEX_LENGTH AS bytes FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME`,
    [schema],
  );
  const picture: Picture = { checksums: new Map(), objects: new Map(), rows: 0, bytes: 0 };
  for (const { name, bytes } of tables) {
    const [sum] = await sql.query<{ Checksum: number | null }>(`CHECKSUM TABLE \`${schema}\`.\`${name}\` EXTENDED`);
    const [count] = await sql.query<{ n: number }>(`SELECT COUNT(*) AS n FROM \`${schema}\`.\`${name}\``);
    picture.checksums.set(name, String(sum?.Checksum ?? 'unreadable'));
    picture.rows += count?.n ?? 0;
    picture.bytes += bytes;
  }
  const objects = await sql.query<{ name: string; text: string }>(
    `SELECT CONCAT('view ', TABLE_NAME) AS name, VIEW_DEFINITION AS text FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?
     UNION ALL SELECT CONCAT('trigger ', TRIGGER_NAME), ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
     UNION ALL SELECT CONCAT('event ', EVENT_NAME), EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?
     ORDER BY 1`,
    [schema, schema, schema],
  );
  for (const { name, text } of objects) picture.objects.set(name, text);
  return picture;
}

/** Names of tables, views, triggers and events that are missing, new or different. */
export function differences(before: Picture, after: Picture): string[] {
  const changed = (a: Map<string, string>, b: Map<string, string>): string[] =>
    [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  return [...changed(before.checksums, after.checksums), ...changed(before.objects, after.objects)];
}
