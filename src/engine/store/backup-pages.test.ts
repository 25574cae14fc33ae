import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backupPages } from './backup-pages.ts';
import { migrations } from './migrations.ts';

interface Row {
  id: string;
  service_id: string;
  status: string;
  type: string;
  start_time: number;
}

const service = fc.constantFrom('orders', 'shop');
const status = fc.constantFrom('Running', 'Succeeded', 'Failed');
const type = fc.constantFrom('full', 'incremental');
/** Some in one hour, some in one day, in any order. */
const start_time = fc
  .tuple(fc.nat(3), fc.nat(3), fc.nat(2))
  .map(([days, hours, ms]) => days * 86_400_000 + hours * 3_600_000 + ms);
const row = fc.record({ service_id: service, status, type, start_time });
/** What happens to the table before the look: rows come, change their status, and go. */
const history = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: row.map((given) => ({ kind: 'add' as const, given })) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.nat(), status, type, start_time).map((given) => ({ kind: 'change' as const, given })),
    },
    { weight: 1, arbitrary: fc.nat().map((given) => ({ kind: 'remove' as const, given })) },
  ),
  { maxLength: 40 },
);
const anyCase = (words: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(words, fc.boolean()).map(([word, small]) => (small ? word.toLowerCase() : word.toUpperCase()));
const filter = fc.record(
  {
    service_id: fc.oneof(service, fc.constant('nobody')),
    status: anyCase(status),
    type: anyCase(type),
    page: fc.integer({ min: 1, max: 8 }),
    page_size: fc.integer({ min: 1, max: 10 }),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  },
  { requiredKeys: [] },
);

it('a page and its count are what a plain look through all rows gives', () => {
  fc.assert(
    fc.property(history, fc.array(filter, { minLength: 1, maxLength: 5 }), fc.nat(10), (events, filters, few) => {
      const db = new DatabaseSync(':memory:');
      for (const migration of migrations) db.exec(migration);
      let rows: Row[] = [];
      for (const [index, event] of events.entries()) {
        if (event.kind === 'add') {
          const added = { id: `${String(index).padStart(3, '0')}`, ...event.given };
          rows.push(added);
          db.prepare(
            `INSERT INTO backups (id, service_id, service_name, server_pod, type, method, status, start_time)
             VALUES (?, ?, 'name', 'pod', ?, 'method', ?, ?)`,
          ).run(added.id, added.service_id, added.type, added.status, added.start_time);
          continue;
        }
        const at = event.kind === 'change' ? event.given[0] : event.given;
        const chosen = rows[at % Math.max(1, rows.length)];
        if (chosen === undefined) continue;
        if (event.kind === 'change') {
          [, chosen.status, chosen.type, chosen.start_time] = event.given;
          db.prepare('UPDATE backups SET status = ?, type = ?, start_time = ? WHERE id = ?').run(
            chosen.status,
            chosen.type,
            chosen.start_time,
            chosen.id,
          );
        } else {
          rows = rows.filter(({ id }) => id !== chosen.id);
          db.prepare('DELETE FROM backups WHERE id = ?').run(chosen.id);
        }
      }

      const pages = backupPages(db, few);
      for (const wanted of filters) {
        const matching = rows.filter(
          (each) =>
            (wanted.service_id === undefined || each.service_id === wanted.service_id) &&
            (wanted.status === undefined || each.status.toLowerCase() === wanted.status.toLowerCase()) &&
            (wanted.type === undefined || each.type.toLowerCase() === wanted.type.toLowerCase()),
        );
        matching.sort((a, b) => a.start_time - b.start_time || (a.id < b.id ? -1 : 1));
        if (wanted.order !== 'asc') matching.reverse();
        const size = wanted.page_size ?? 100;
        const from = ((wanted.page ?? 1) - 1) * size;
        const found = pages(wanted);
        expect(found.rows.map((each) => (each as Row).id)).toEqual(
          matching.slice(from, from + size).map(({ id }) => id),
        );
        expect({ count: found.count, pages: found.pages }).toEqual({
          count: matching.length,
          pages: Math.ceil(matching.length / size),
        });
      }
      db.close();
    }),
    { numRuns: 150 },
  );
});

it('no page looks through rows that it does not show', () => {
  const db = new DatabaseSync(':memory:');
  for (const migration of migrations) db.exec(migration);
  const asked: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    asked.push(sql);
    return prepare(sql);
  };
  const pages = backupPages(db);
  for (const wanted of [
    {},
    { service_id: 'orders' },
    { status: 'failed' },
    { type: 'full' },
    { service_id: 'orders', status: 'failed', type: 'full' },
  ]) {
    pages(wanted);
  }
  const plans = asked.map((sql) => {
    const values = Array.from({ length: sql.split('?').length - 1 }, () => 1);
    return prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...values)
      .map(({ detail }) => String(detail))
      .join('; ');
  });
  for (const plan of plans) expect(plan).not.toMatch(/SCAN backups(?! USING (COVERING )?INDEX)/);
  expect(plans.join('\n')).toMatch(/backups_by_service/);
  expect(plans.join('\n')).toMatch(/backups_by_status/);
  expect(plans.join('\n')).toMatch(/backups_by_type/);
  expect(plans.at(-1)).toMatch(/backups_by_service/);
  db.close();
});
