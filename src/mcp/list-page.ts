import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import type { Page } from '../contract/pages.ts';

/** One row of a list, for words and for data. */
export interface Row {
  text: string;
  data: Record<string, unknown>;
}

/** What an answer's rows may take, words and data together, so that the whole stays under 2,000 tokens. */
const rowBudget = 3600;
const pageSize = 25;

/** The arguments every list has. */
export const listArguments = {
  limit: z.number().int().min(1).max(pageSize).default(10),
  cursor: z.string().max(40).optional().describe('For more'),
};

export interface ListPage {
  rows: Row[];
  /** All that match, shown or not. */
  count: number;
  next_cursor: string | undefined;
}

/**
 * A bounded part of a list. The cursor is a place (`page.skip`) in pages of fixed size, because the API pages by number;
 * rows are taken until they would cost too much, whatever the names in them are like.
 */
export async function listPage<T>(
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  fetchPage: (query: { page: number; page_size: number }) => Promise<Page<T>>,
  rowOf: (item: T) => Row | Promise<Row>,
): Promise<ListPage> {
  const place = readCursor(cursor);
  const { items, count } = await fetchPage({ page: place.page, page_size: pageSize });
  // A server that does not page answers with everything: take our page out of it.
  const own = items.length > pageSize ? items.slice((place.page - 1) * pageSize, place.page * pageSize) : items;
  const rows: Row[] = [];
  let cost = 0;
  for (const item of own.slice(place.skip, place.skip + limit)) {
    const row = await rowOf(item);
    cost += row.text.length + JSON.stringify(row.data).length;
    if (cost > rowBudget && rows.length > 0) break;
    rows.push(row);
  }
  const skip = place.skip + rows.length;
  const seen = (place.page - 1) * pageSize + skip;
  const more = rows.length > 0 && seen < count;
  const next = skip >= pageSize ? { page: place.page + 1, skip: 0 } : { page: place.page, skip };
  return { rows, count, next_cursor: more ? `${next.page}.${next.skip}` : undefined };
}

function readCursor(cursor: string | undefined): { page: number; skip: number } {
  if (cursor === undefined) return { page: 1, skip: 0 };
  const [, page, skip] = /^([1-9]\d{0,5})\.(\d{1,2})$/.exec(cursor.trim()) ?? [];
  if (page === undefined || Number(skip) >= pageSize) {
    throw new SkybackupError('invalid_request', 'This cursor is not one that a list gave.', {
      hint: 'Call again without a cursor, then pass on the next_cursor of that answer unchanged.',
    });
  }
  return { page: Number(page), skip: Number(skip) };
}

/** A page of what is known wholly already. */
export function onePage<T>(items: T[]): Page<T> {
  return { items, count: items.length, pages: 1 };
}

/** `12 backups of orders, 3 shown:` */
export function heading({ count, rows }: ListPage, thing: string, of: string | undefined): string {
  const part = rows.length === count ? '' : `, ${rows.length} shown`;
  return `${count} ${thing}${count === 1 ? '' : 's'}${of === undefined ? '' : ` of ${of}`}${part}${count === 0 ? '.' : ':'}`;
}
