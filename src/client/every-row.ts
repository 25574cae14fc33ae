import { SkybackupError } from '../contract/errors.ts';
import type { Page } from '../contract/pages.ts';
import { cut, isWhole, type PageWanted, pageOf } from './paging.ts';
import type { ReadList } from './read-answer.ts';

/** How the rows of a list are told apart, and by what they are put in order. */
export interface RowKeys<T> {
  id(row: T): string | number;
  /** Grows with time; infinite where a row does not tell. */
  at(row: T): number;
}

type Order = 'asc' | 'desc';
type Wanted = PageWanted & { order?: Order | undefined };
export type FetchPage<T> = (part: Wanted) => Promise<ReadList<T>>;

const pageSize = 100;
const mostPages = 1000;
/** How often a list that changes under the reading is read anew. */
const mostPasses = 3;
/** Beyond this a list is only looked through, and a swapped neighbour is not worth reading all of it. */
const strictlyOrdered = 1000;

/**
 * A page of a list of the cloud. Its answer is taken as it came only where it can be seen to be what was asked for; a server that
 * ignores order or page size, or counts wrongly, has the list read whole, and put in order and cut here: "the newest" must be that.
 */
export async function cloudPage<T>(wanted: Wanted, fetch: FetchPage<T>, keys: RowKeys<T>): Promise<Page<T>> {
  const first = await fetch(wanted);
  const { items, count = items.length } = first;
  if (isWhole(first) || (count === items.length && (wanted.page ?? 1) === 1))
    return cut(inOrder(unique(items, keys), wanted.order, keys), wanted);
  if (isAsAsked(first, wanted, keys)) {
    const page = pageOf(first, wanted);
    const { page_size } = wanted;
    return page_size === undefined ? page : { ...page, pages: Math.max(1, Math.ceil(count / page_size)) };
  }
  return cut(inOrder(await everyRow(fetch, keys), wanted.order, keys), wanted);
}

function isAsAsked<T>(
  { items, count, pages = 1 }: ReadList<T>,
  { page = 1, page_size, order }: Wanted,
  keys: RowKeys<T>,
): boolean {
  if (count === undefined) return pages <= 1;
  // Somebody was told that there is such a page.
  if (items.length === 0 && page > 1) return false;
  if (page_size !== undefined) {
    const due = Math.min(page_size, Math.max(0, count - (page - 1) * page_size));
    if (items.length !== due) return false;
  }
  if (order === undefined) return true;
  const compared = count > strictlyOrdered ? [items[0], items.at(-1)].flatMap((row) => row ?? []) : items;
  return isOrdered(compared, order, keys);
}

/**
 * Every row of a list, whatever the server's pages are like: none twice, and none lost where rows come, go and move between pages
 * while they are read; such a list is read again until it stands still. `enough` ends the reading early.
 */
export async function everyRow<T>(
  fetch: FetchPage<T>,
  keys: RowKeys<T>,
  enough: (rows: readonly T[]) => boolean = () => false,
): Promise<T[]> {
  const seen = new Map<string | number, T>();
  let before: string | undefined;
  for (let pass = 1; pass <= mostPasses; pass += 1) {
    const { rows, isSteady } = await onePass(fetch, keys, enough);
    for (const row of rows) seen.set(keys.id(row), row);
    const ids = JSON.stringify(rows.map(keys.id));
    // A count that is wrong every time is only a wrong count.
    if (isSteady || ids === before || enough(rows)) return rows;
    before = ids;
  }
  // It never stood still: better a row that has gone meanwhile than one that is missing.
  return inOrder([...seen.values()], 'desc', keys);
}

async function onePass<T>(
  fetch: FetchPage<T>,
  keys: RowKeys<T>,
  enough: (rows: readonly T[]) => boolean,
): Promise<{ rows: T[]; isSteady: boolean }> {
  // From the newest on: new rows then push others to pages that are still to come, and the oldest fall off at the end.
  const fetchPage = (page: number): Promise<ReadList<T>> => fetch({ page, page_size: pageSize, order: 'desc' });
  const rows = new Map<string | number, T>();
  const counts = new Set<number | undefined>();
  let isMoved = false;
  let first: string | undefined;
  for (let page = 1; page <= mostPages; page += 1) {
    const list = await fetchPage(page);
    const fresh = list.items.filter((row) => !rows.has(keys.id(row)));
    for (const row of list.items) rows.set(keys.id(row), row);
    if (isWhole(list)) return { rows: [...rows.values()], isSteady: true };
    first ??= JSON.stringify(list.items.map(keys.id));
    isMoved ||= fresh.length < list.items.length;
    counts.add(list.count);
    const isLast = fresh.length === 0 || (page >= (list.pages ?? 1) && rows.size >= (list.count ?? 0));
    if (!isLast && !enough(list.items)) continue;
    const all = [...rows.values()];
    if (page === 1) return { rows: all, isSteady: rows.size === (list.count ?? rows.size) };
    const isSteady =
      !isMoved && counts.size === 1 && rows.size === (list.count ?? rows.size) && (await isUnmoved(all, first));
    return { rows: all, isSteady };
  }
  throw new SkybackupError('bad_answer', `The server gives more than ${mostPages * pageSize} rows.`, {
    retryable: false,
    hint: 'Ask for one service.',
  });

  /** In any other order a row may have gone at the front while another came at the end: only the front can tell. */
  async function isUnmoved(all: T[], was: string): Promise<boolean> {
    if (isOrdered(all, 'desc', keys)) return true;
    return JSON.stringify((await fetchPage(1)).items.map(keys.id)) === was;
  }
}

/** By `order`, or as it came. */
export function inOrder<T>(rows: T[], order: Order | undefined, { at }: RowKeys<T>): T[] {
  if (order === undefined) return rows;
  const rising = (a: T, b: T): number => (at(a) === at(b) ? 0 : at(a) < at(b) ? -1 : 1);
  return rows.toSorted(order === 'asc' ? rising : (a, b) => rising(b, a));
}

function isOrdered<T>(rows: readonly T[], order: Order, { at }: RowKeys<T>): boolean {
  return rows.every((row, index) => {
    const next = rows[index + 1];
    return next === undefined || (order === 'asc' ? at(row) <= at(next) : at(row) >= at(next));
  });
}

function unique<T>(rows: T[], { id }: RowKeys<T>): T[] {
  return [...new Map(rows.map((row) => [id(row), row])).values()];
}
