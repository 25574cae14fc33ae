import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { Page } from '../../contract/pages.ts';
import { quoteText } from '../untrusted-text.ts';

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
  limit: z
    .int()
    .min(1)
    .optional()
    .transform((wanted = 10) => Math.min(wanted, pageSize)),
  cursor: z.string().max(40).optional(),
};

export interface ListPage {
  rows: Row[];
  /** All that match, shown or not. */
  count: number;
  next_cursor: string | undefined;
  warnings: string[];
}

/** The row that was shown last: where it lay (`page.index`), and a mark by which it is known again when it has moved. */
interface Place {
  page: number;
  index: number;
  mark: string;
}

type FetchPage<T> = (query: { page: number; page_size: number }) => Promise<Page<T>>;

/**
 * A bounded part of a list. The cursor is a place in pages of fixed size, because the API pages by number; and since rows come and
 * go between two calls, it goes on after the row that was shown last, wherever that lies by now. Rows are taken until they would
 * cost too much, whatever the names in them are like.
 */
export async function listPage<T>(
  { limit, cursor }: { limit: number; cursor?: string | undefined },
  fetchPage: FetchPage<T>,
  rowOf: (item: T) => Row | Promise<Row>,
): Promise<ListPage> {
  const fetch = async (page: number): Promise<Page<T>> => {
    const answer = await fetchPage({ page, page_size: pageSize });
    const { items } = answer;
    // A server that does not page answers with everything: take our page out of it.
    return items.length > pageSize
      ? {
          ...answer,
          items: items.slice((page - 1) * pageSize, page * pageSize),
          pages: Math.ceil(items.length / pageSize),
        }
      : answer;
  };
  const start =
    cursor === undefined ? { page: 1, index: 0, ...(await found(fetch, 1)) } : await goOn(readCursor(cursor), fetch);
  const { page, index, items, count } = start;
  const rows: Row[] = [];
  let cost = 0;
  for (const item of items.slice(index, index + limit)) {
    const row = await rowOf(item);
    cost += row.text.length + JSON.stringify(row.data).length;
    if (cost > rowBudget && rows.length > 0) break;
    rows.push(row);
  }
  const last = index + rows.length - 1;
  const more = rows.length > 0 && (page - 1) * pageSize + last + 1 < count;
  return {
    rows,
    count,
    next_cursor: more ? `${page}.${last}.${markOf(items[last])}` : undefined,
    warnings: start.isLost
      ? [
          'The list has changed since the last part was shown: some rows may be missing. Read it again without a cursor to be sure.',
        ]
      : [],
  };
}

interface Found<T> {
  items: T[];
  count: number;
  pages: number;
  isLost: boolean;
}

async function found<T>(fetch: (page: number) => Promise<Page<T>>, page: number): Promise<Found<T>> {
  const { items, count, pages } = await fetch(page);
  return { items, count, pages, isLost: false };
}

/** How many pages to each side a row is looked for that is no longer where it was. */
const mostMoved = 4;

async function goOn<T>(
  { page, index, mark }: Place,
  fetch: (page: number) => Promise<Page<T>>,
): Promise<Found<T> & { page: number; index: number }> {
  const own = await found(fetch, page);
  const near = [0, ...Array.from({ length: mostMoved }, (_, n) => [n + 1, -n - 1]).flat()];
  for (const distance of near) {
    const at = page + distance;
    if (at < 1 || at > Math.max(own.pages, Math.ceil(own.count / pageSize))) continue;
    const there = distance === 0 ? own : await found(fetch, at);
    const shown = there.items.findIndex((item) => markOf(item) === mark);
    if (shown < 0) continue;
    const isLast = shown + 1 >= there.items.length;
    return isLast
      ? { ...(await found(fetch, at + 1)), page: at + 1, index: 0 }
      : { ...there, page: at, index: shown + 1 };
  }
  // It has gone: what followed it lies in its place.
  return { ...own, page, index, isLost: true };
}

/** Short, and not secret: it only tells a row from its neighbours (FNV-1a). */
function markOf(item: unknown): string {
  const { id, service_id } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
  let hash = 0x811c9dc5;
  for (const char of JSON.stringify(id ?? service_id ?? item) ?? '')
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function readCursor(cursor: string): Place {
  const [, page, index, mark] = /^([1-9]\d{0,5})\.(\d{1,2})\.([0-9a-f]{8})$/.exec(cursor.trim()) ?? [];
  if (page === undefined || mark === undefined || Number(index) >= pageSize) {
    throw new SkybackupError('invalid_request', 'This cursor is not one that a list gave.', {
      hint: 'Call again without a cursor, then pass on the next_cursor of that answer unchanged.',
    });
  }
  return { page: Number(page), index: Number(index), mark };
}

/** How the rest of a list is had. */
export function goOnWith(tool: string, cursor: string, service?: string): string {
  const scope = service === undefined ? '' : `service "${quoteText(service, 80)}" and `;
  return `For more call ${tool} with ${scope}cursor "${cursor}".`;
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
