import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { TablePattern } from '../../contract/table-pattern.ts';
import type { Manifest } from '../repository/manifest.ts';
import { type FoundPage, type PageRequest, pageBounds } from './rows.ts';

const Id = z.object({ id: z.number() });
const Count = z.object({ count: z.number() });
const Held = z.object({ list_id: z.number() });

/** In every backup: nobody looks for them. */
const system = new Set(['mysql', 'sys', 'performance_schema', 'information_schema']);
/** Between a schema and a table: neither has it in its name. */
const between = '\0';
/** No table has this name; it stands for all of its schema. */
const anyTable = '';
/** More backups than these are walked by their time, of which a page needs a few: sorting them all would take longer. */
const many = 2000;

export interface ContainingFilter extends PageRequest {
  contains: TablePattern;
  service_id?: string | undefined;
}

/** Which good backups hold which tables. Only an index, as that of backups. */
export function containedTables(db: DatabaseSync, manyBackups = many) {
  const known = db.prepare('SELECT id FROM table_lists WHERE service_id = ? AND digest = ?');
  const addList = db.prepare('INSERT INTO table_lists (service_id, digest) VALUES (?, ?) RETURNING id');
  const addTable = db.prepare('INSERT INTO listed_tables (schema, name, service_id, list_id) VALUES (?, ?, ?, ?)');
  const held = db.prepare('SELECT list_id FROM tables_of_backups WHERE backup_id = ?');
  const letGo = db.prepare('DELETE FROM tables_of_backups WHERE backup_id = ?');
  const hold = db.prepare('INSERT INTO tables_of_backups (backup_id, list_id, start_time) VALUES (?, ?, ?)');

  const listOf = (serviceId: string, tables: readonly string[]): number => {
    const digest = createHash('sha256').update(tables.join('\n')).digest('hex');
    const found = known.get(serviceId, digest);
    if (found !== undefined) return Id.parse(found).id;
    const { id } = Id.parse(addList.get(serviceId, digest));
    const schemas = new Set<string>();
    for (const table of tables) {
      const [schema = '', name = ''] = table.split(between);
      addTable.run(schema, name, serviceId, id);
      schemas.add(schema);
    }
    for (const schema of schemas) addTable.run(schema, anyTable, serviceId, id);
    return id;
  };

  return {
    /** Of a good backup that is in the index already. */
    publish({ id, service_id, tables, started_at }: Manifest): void {
      const names = new Set<string>();
      for (const { schema, name } of tables) {
        if (!system.has(schema)) names.add(`${schema}${between}${name}`.toLowerCase());
      }
      const before = held.get(id);
      const list = names.size === 0 ? undefined : listOf(service_id, [...names].sort());
      if (before !== undefined) {
        if (Held.parse(before).list_id === list) return;
        letGo.run(id);
      }
      if (list !== undefined) hold.run(id, list, Date.parse(started_at));
    },

    /** A page of the good backups that hold a table, or any table of a schema. */
    list({ contains: { schema, table }, service_id, ...page }: ContainingFilter): FoundPage {
      const { limit, offset, direction } = pageBounds(page);
      const tests = [
        { test: 'schema = ?', value: schema.toLowerCase() },
        { test: 'name = ?', value: table?.toLowerCase() ?? anyTable },
        ...(service_id === undefined ? [] : [{ test: 'service_id = ?', value: service_id }]),
      ];
      const values = tests.map(({ value }) => value);
      const lists = `(SELECT list_id FROM listed_tables WHERE ${tests.map(({ test }) => test).join(' AND ')})`;
      const { count } = Count.parse(
        db.prepare(`SELECT coalesce(sum(backups), 0) AS count FROM table_lists WHERE id IN ${lists}`).get(...values),
      );
      // A plus hides the lists from SQLite's choice of an index.
      const through = count > manyBackups ? '+list_id' : 'list_id';
      const rows = db
        .prepare(
          `SELECT * FROM backups WHERE id IN (
             SELECT backup_id FROM tables_of_backups WHERE ${through} IN ${lists}
             ORDER BY start_time ${direction}, backup_id ${direction} LIMIT ? OFFSET ?)
           ORDER BY start_time ${direction}, id ${direction}`,
        )
        .all(...values, limit, offset);
      return { rows, count, pages: Math.ceil(count / limit) };
    },
  };
}
