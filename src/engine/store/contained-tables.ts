import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { TablePattern } from '../../contract/table-pattern.ts';
import type { Manifest } from '../repository/manifest.ts';
import { type FoundPage, type PageRequest, pageBounds } from './rows.ts';

const Id = z.object({ id: z.number() });
const Count = z.object({ count: z.number() });

/** In every backup: nobody looks for them. */
const system = new Set(['mysql', 'sys', 'performance_schema', 'information_schema']);

export interface ContainingFilter extends PageRequest {
  contains: TablePattern;
  service_id?: string | undefined;
  type?: string | undefined;
}

/** Which backups hold which tables. Only an index, as that of backups. */
export function containedTables(db: DatabaseSync) {
  const known = db.prepare('SELECT id FROM table_lists WHERE digest = ?');
  const addList = db.prepare('INSERT INTO table_lists (digest) VALUES (?) RETURNING id');
  const addTable = db.prepare('INSERT INTO listed_tables (schema, name, list_id) VALUES (?, ?, ?)');
  const hold = db.prepare(
    `INSERT INTO tables_of_backups (backup_id, list_id, start_time) VALUES (?, ?, ?)
     ON CONFLICT (backup_id) DO UPDATE SET list_id = excluded.list_id, start_time = excluded.start_time`,
  );

  const listOf = (tables: readonly [string, string][]): number => {
    const digest = createHash('sha256').update(JSON.stringify(tables)).digest('hex');
    const found = known.get(digest);
    if (found !== undefined) return Id.parse(found).id;
    const { id } = Id.parse(addList.get(digest));
    for (const [schema, name] of tables) addTable.run(schema, name, id);
    return id;
  };

  return {
    /** Of a backup that is in the index already. */
    publish(manifest: Manifest): void {
      const names = manifest.tables
        .map(({ schema, name }) => [schema.toLowerCase(), name.toLowerCase()] as const)
        .filter(([schema]) => !system.has(schema))
        .map((each) => JSON.stringify(each));
      if (names.length === 0) return;
      const tables = [...new Set(names)].sort().map((each) => JSON.parse(each) as [string, string]);
      hold.run(manifest.id, listOf(tables), Date.parse(manifest.started_at));
    },

    /** A page of the good backups that hold a table, or any table of a schema. */
    list({ contains: { schema, table }, service_id, type, ...page }: ContainingFilter): FoundPage {
      const { limit, offset, direction } = pageBounds(page);
      const tests = [
        { test: 'schema = ?', value: schema.toLowerCase() },
        ...(table === undefined ? [] : [{ test: 'name = ?', value: table.toLowerCase() }]),
      ];
      const narrowing = [
        ...(service_id === undefined ? [] : [{ test: 'AND service_id = ?', value: service_id }]),
        ...(type === undefined ? [] : [{ test: 'AND lower(type) = ?', value: type.toLowerCase() }]),
      ];
      // By the lists: they are few where backups are many.
      const from = `FROM tables_of_backups AS held CROSS JOIN backups ON backups.id = held.backup_id
        WHERE held.list_id IN (SELECT list_id FROM listed_tables WHERE ${tests.map(({ test }) => test).join(' AND ')})
          AND backups.status = 'Succeeded' ${narrowing.map(({ test }) => test).join(' ')}`;
      const values = [...tests, ...narrowing].map(({ value }) => value);
      const { count } = Count.parse(db.prepare(`SELECT count(*) AS count ${from}`).get(...values));
      const rows = db
        .prepare(
          `SELECT * FROM backups WHERE id IN (
             SELECT held.backup_id ${from} ORDER BY held.start_time ${direction}, held.backup_id ${direction} LIMIT ? OFFSET ?)
           ORDER BY start_time ${direction}, id ${direction}`,
        )
        .all(...values, limit, offset);
      return { rows, count, pages: Math.ceil(count / limit) };
    },
  };
}
