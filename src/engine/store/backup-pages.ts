import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type PageRequest, pageBounds } from './rows.ts';

export interface BackupFilter extends PageRequest {
  service_id?: string | undefined;
  status?: string | undefined;
  type?: string | undefined;
}

/** One page's rows as SQLite gives them, and how many there are over all pages. */
interface FoundPage {
  rows: unknown[];
  count: number;
  pages: number;
}

const Count = z.object({ count: z.number() });
/** Where the counts of all services together stand. */
const allServices = '';

/**
 * A page of the index. Neither a page nor its count costs more when there are more backups elsewhere: counts are kept by
 * triggers, pages come off an index, and those near the end are counted off from the end.
 */
export function backupPages(db: DatabaseSync): (filter: BackupFilter) => FoundPage {
  return (filter) => {
    const { limit, offset, direction } = pageBounds(filter);
    const words = (['status', 'type'] as const).flatMap((column) => {
      const value = filter[column]?.toLowerCase();
      // Status words are shown in capitals and typed in any case.
      return value === undefined ? [] : [{ test: `lower(${column}) = ?`, value }];
    });
    const service = filter.service_id === undefined ? [] : [{ test: 'service_id = ?', value: filter.service_id }];

    const counted = [{ test: 'service_id = ?', value: filter.service_id ?? allServices }, ...words];
    const { count } = Count.parse(
      db
        .prepare(`SELECT coalesce(sum(count), 0) AS count FROM backup_counts WHERE ${testsOf(counted)}`)
        .get(...counted.map(({ value }) => value)),
    );

    const tests = [...service, ...words];
    const where = tests.length === 0 ? '' : `WHERE ${testsOf(tests)}`;
    const take = Math.max(0, Math.min(limit, count - offset));
    const fromEnd = offset > count / 2;
    const walk = fromEnd === (direction === 'ASC') ? 'DESC' : 'ASC';
    const rows = db
      .prepare(
        `SELECT * FROM backups WHERE rowid IN (
           SELECT rowid FROM backups ${where} ORDER BY start_time ${walk}, id ${walk} LIMIT ? OFFSET ?)
         ORDER BY start_time ${direction}, id ${direction}`,
      )
      .all(...tests.map(({ value }) => value), take, fromEnd ? Math.max(0, count - offset - take) : offset);
    return { rows, count, pages: Math.ceil(count / limit) };
  };
}

/** The first decides which index is taken: it is the most selective, and a plus hides the others from SQLite's choice. */
function testsOf(tests: readonly { test: string }[]): string {
  return tests.map(({ test }, place) => (place === 0 ? test : `+${test}`)).join(' AND ');
}
