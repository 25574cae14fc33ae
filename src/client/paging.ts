import type { Page } from '../contract/pages.ts';
import type { ReadList } from './read-answer.ts';

export interface PageWanted {
  page?: number | undefined;
  page_size?: number | undefined;
}

const defaultPageSize = 100;
/** Walks end here, so that a server that repeats its pages for ever does not hold a call for ever. */
const mostPages = 200;

/** A page as the server cut it; a list that came whole is cut here. */
export function pageOf<T>(list: ReadList<T>, wanted: PageWanted): Page<T> {
  if (list.count === undefined && list.pages === undefined) return cut(list.items, wanted);
  return {
    items: list.items,
    count: list.count ?? list.items.length,
    pages: Math.max(1, list.pages ?? 1),
  };
}

/** The wanted page of a list that is here whole. */
export function cut<T>(all: T[], { page = 1, page_size = defaultPageSize }: PageWanted): Page<T> {
  return {
    items: all.slice((page - 1) * page_size, page * page_size),
    count: all.length,
    pages: Math.max(1, Math.ceil(all.length / page_size)),
  };
}

/** Every item of every page, in the server's order. Stops early when `enough` says so of what came so far. */
export async function allPages<T>(
  fetchPage: (page: number, pageSize: number) => Promise<Page<T>>,
  enough: (items: T[]) => boolean = () => false,
): Promise<T[]> {
  const items: T[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const answer = await fetchPage(page, defaultPageSize);
    items.push(...answer.items);
    if (page >= answer.pages || answer.items.length === 0 || enough(items)) break;
  }
  return items;
}
