import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { countSpans } from './migrations.ts';
import { type FoundPage, type PageRequest, pageBounds } from './rows.ts';

export interface BackupFilter extends PageRequest {
  service_id?: string | undefined;
  status?: string | undefined;
  type?: string | undefined;
}

interface Test {
  test: string;
  value: string;
}

/** Where to begin a walk along an index, and how many entries from there are not wanted. */
interface Place {
  /** The hour before which, or after which, nothing is wanted. */
  hour?: number;
  skip: number;
}

const Count = z.object({ count: z.number() });
const Span = z.object({ began: z.number(), count: z.number() });
/** Where the counts of all services together stand. */
const allServices = '';
/** Fewer entries than this are skipped faster than their hour is found. */
const fewEntries = 1000;

/**
 * A page of the index. Neither a page nor its count costs more when there are more backups elsewhere: counts are kept by
 * triggers, for each hour and day too, and pages come off an index from the hour they begin in, or end in if that is nearer.
 */
export function backupPages(db: DatabaseSync, few = fewEntries): (filter: BackupFilter) => FoundPage {
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
        .prepare(
          `SELECT coalesce(sum(count), 0) AS count FROM backup_counts WHERE ${testsOf(counted)} AND span = ${countSpans.all}`,
        )
        .get(...valuesOf(counted)),
    );

    const take = Math.max(0, Math.min(limit, count - offset));
    const fromEnd = offset > count / 2;
    const walk = fromEnd === (direction === 'ASC') ? 'DESC' : 'ASC';
    const before = fromEnd ? Math.max(0, count - offset - take) : offset;
    const { hour, skip } = take === 0 || before < few ? { skip: before } : placeOf(db, counted, walk, before);
    const tests = [...service, ...words];
    const range = walk === 'ASC' ? 'start_time >= ?' : 'start_time < ?';
    const bounds = hour === undefined ? [] : [walk === 'ASC' ? hour : hour + countSpans.hour];
    const all = [...(tests.length === 0 ? [] : [testsOf(tests)]), ...bounds.map(() => range)].join(' AND ');
    const rows = db
      .prepare(
        `SELECT * FROM backups WHERE rowid IN (
           SELECT rowid FROM backups ${all === '' ? '' : `WHERE ${all}`} ORDER BY start_time ${walk}, id ${walk} LIMIT ? OFFSET ?)
         ORDER BY start_time ${direction}, id ${direction}`,
      )
      .all(...valuesOf(tests), ...bounds, take, skip);
    return { rows, count, pages: Math.ceil(count / limit) };
  };
}

/** Finds the day, and in it the hour, in which a walk has left so many entries behind. */
function placeOf(db: DatabaseSync, counted: readonly Test[], walk: 'ASC' | 'DESC', entries: number): Place {
  let skip = entries;
  let from = 0;
  let to: number = countSpans.all;
  for (const span of [countSpans.day, countSpans.hour]) {
    const spans = db
      .prepare(
        `SELECT began, sum(count) AS count FROM backup_counts
         WHERE ${testsOf(counted)} AND span = ? AND began >= ? AND began < ? GROUP BY began ORDER BY began ${walk}`,
      )
      .iterate(...valuesOf(counted), span, from, to);
    for (const row of spans) {
      const { began, count } = Span.parse(row);
      [from, to] = [began, began + span];
      if (count > skip) break;
      skip -= count;
    }
  }
  return { hour: from, skip };
}

/** The first decides which index is taken: it is the most selective, and a plus hides the others from SQLite's choice. */
function testsOf(tests: readonly Test[]): string {
  return tests.map(({ test }, place) => (place === 0 ? test : `+${test}`)).join(' AND ');
}

function valuesOf(tests: readonly Test[]): string[] {
  return tests.map(({ value }) => value);
}
