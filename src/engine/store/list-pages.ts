import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type FoundPage, type PageRequest, pageBounds } from './rows.ts';

export interface ListFilter extends PageRequest {
  service_id?: string | undefined;
  type?: string | undefined;
}

const Count = z.object({ count: z.number() });

/** Pages of schedules or restores by id. The count is kept by triggers, and pages near the end are counted off from there. */
export function listPages(db: DatabaseSync, list: 'schedules' | 'restores'): (filter: ListFilter) => FoundPage {
  return (filter) => {
    const { limit, offset, direction } = pageBounds(filter);
    const given = (['service_id', 'type'] as const).filter((column) => filter[column] !== undefined);
    const values = given.map((column) => filter[column] ?? '');
    // The first decides which index is taken; a plus hides the other from SQLite's choice.
    const tests = given.map((column, place) => `${place === 0 ? '' : '+'}${column} = ?`);
    const counted = ['list = ?', ...given.map((column) => `${column} = ?`)].join(' AND ');
    const { count } = Count.parse(
      db.prepare(`SELECT coalesce(sum(count), 0) AS count FROM list_counts WHERE ${counted}`).get(list, ...values),
    );
    const where = tests.length === 0 ? '' : `WHERE ${tests.join(' AND ')}`;
    const take = Math.max(0, Math.min(limit, count - offset));
    const fromEnd = offset > count / 2;
    const walk = fromEnd === (direction === 'ASC') ? 'DESC' : 'ASC';
    const rows = db
      .prepare(
        `SELECT * FROM ${list} WHERE id IN (SELECT id FROM ${list} ${where} ORDER BY id ${walk} LIMIT ? OFFSET ?)
         ORDER BY id ${direction}`,
      )
      .all(...values, take, fromEnd ? Math.max(0, count - offset - take) : offset);
    return { rows, count, pages: Math.ceil(count / limit) };
  };
}
