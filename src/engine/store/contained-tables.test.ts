import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { objectKeyOf, sampleManifest } from '../../../test/engine/repository/sample-manifest.ts';
import { containedTables } from './contained-tables.ts';
import { recordBackup } from './reconcile-catalogue.ts';
import { openState, type StateStore } from './state-store.ts';

let folder: string;
let state: StateStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skb-tables-'));
  state = openState(join(folder, 'state.db'));
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

const idOf = (number: number, service = 'orders'): string =>
  `${number.toString(16).padStart(32, '0')}:${service}:${service}-0`;

/** Takes a backup of these tables (`schema.name`) into the index; a later number is a later moment. */
function record(number: number, tables: readonly string[], service = 'orders'): void {
  const id = idOf(number, service);
  const object = { key: objectKeyOf(id, service), bytes: 1, block_bytes: 1, blocks: ['x'] };
  const at = new Date(Date.parse('2026-11-22T12:00:00Z') + number * 60_000).toISOString();
  recordBackup(state, {
    ...sampleManifest(id, object),
    id,
    service_id: service,
    started_at: at,
    ended_at: at,
    tables: tables.map((table) => {
      const [schema = '', name = ''] = table.split('.');
      return { schema, name, engine: 'InnoDB', rows: 1, bytes: 1 };
    }),
  });
}

/** By the lists of tables and, as of many backups, by their times: it is the same. */
function holders(schema: string, table?: string, more = {}): unknown[] {
  const filter = { contains: { schema, table }, ...more };
  const found = state.tables.list(filter);
  const db = new DatabaseSync(join(folder, 'state.db'));
  expect(containedTables(db, 0).list(filter)).toEqual(found);
  db.close();
  if (!('page' in more)) expect(found.count).toBe(found.rows.length);
  return state.backups.read(found).items.map(({ id }) => id);
}

/** How many lists of tables are kept. */
function lists(): number {
  const db = new DatabaseSync(join(folder, 'state.db'), { readOnly: true });
  const row = db.prepare('SELECT (SELECT count(*) FROM table_lists) AS lists').get();
  db.close();
  return Number(row?.lists);
}

it('finds the backups that hold a table or any of a schema, newest first, whatever the case of the letters', () => {
  record(1, ['shop.orders', 'shop.customers', 'mysql.user']);
  record(2, ['shop.customers']);
  record(3, ['Shop.Orders', 'blog.posts']);
  record(4, ['shop.orders'], 'other');
  expect(holders('shop', 'orders')).toEqual([idOf(4, 'other'), idOf(3), idOf(1)]);
  expect(holders('SHOP', 'ORDERS', { service_id: 'orders' })).toEqual([idOf(3), idOf(1)]);
  expect(holders('shop')).toHaveLength(4);
  expect(holders('blog')).toEqual([idOf(3)]);
  expect(holders('blog', 'orders')).toEqual([]);
  // They are in every backup.
  expect(holders('mysql', 'user')).toEqual([]);
  expect(holders('shop', 'orders', { page: 2, page_size: 2, order: 'asc' })).toEqual([idOf(4, 'other')]);
  state.backups.end(idOf(3), 'Failed', 'It is no longer whole.');
  expect(holders('shop', 'orders', { service_id: 'orders' })).toEqual([idOf(1)]);
  record(3, ['shop.orders']);
  expect(holders('shop', 'orders', { service_id: 'orders' })).toEqual([idOf(3), idOf(1)]);
});

it('keeps the names once for all backups of the same tables, and no longer than there is one', () => {
  for (let number = 1; number <= 20; number += 1) record(number, ['shop.orders', 'shop.customers']);
  expect(lists()).toBe(1);
  record(21, ['shop.customers', 'shop.orders']);
  expect(lists()).toBe(1);
  record(22, ['shop.orders']);
  expect(lists()).toBe(2);
  state.backups.remove(idOf(22));
  expect(lists()).toBe(1);
  for (let number = 1; number <= 21; number += 1) state.backups.remove(idOf(number));
  expect(lists()).toBe(0);
  record(1, ['shop.orders', 'shop.customers']);
  expect(holders('shop')).toEqual([idOf(1)]);
});

it('says what a plain search would say, whatever was taken and deleted', () => {
  const table = fc.constantFrom('a.x', 'a.y', 'b.x', 'B.Y', 'c.z');
  const step = fc.record({
    number: fc.integer({ min: 1, max: 8 }),
    tables: fc.option(fc.array(table, { maxLength: 4 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const model = new Map<number, Set<string>>();
      for (let number = 1; number <= 8; number += 1) state.backups.remove(idOf(number));
      for (const { number, tables } of steps) {
        state.backups.remove(idOf(number));
        model.delete(number);
        if (tables === undefined) continue;
        record(number, tables);
        model.set(number, new Set(tables.map((each) => each.toLowerCase())));
      }
      const numbers = [...model.keys()].sort((a, b) => b - a);
      for (const [schema, name] of [
        ['a', 'x'],
        ['b', 'y'],
        ['b', undefined],
        ['c', 'x'],
      ] as const) {
        const wanted = numbers.filter((number) =>
          [...(model.get(number) ?? [])].some((each) =>
            name === undefined ? each.startsWith(`${schema}.`) : each === `${schema}.${name}`,
          ),
        );
        expect(holders(schema, name)).toEqual(wanted.map((number) => idOf(number)));
      }
    }),
    { numRuns: 50 },
  );
});
