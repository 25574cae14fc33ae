import type { Page } from '../contract/pages.ts';
import type { ReadList } from './read-answer.ts';

export interface PageWanted {
  page?: number | undefined;
  page_size?: number | undefined;
}

const defaultPageSize = 100;

/** A page as a daemon cut it; a list that came whole is cut here. */
export function pageOf<T>(list: ReadList<T>, wanted: PageWanted): Page<T> {
  if (isWhole(list)) return cut(list.items, wanted);
  return {
    items: list.items,
    count: list.count ?? list.items.length,
    pages: Math.max(1, list.pages ?? 1),
  };
}

/** Whether a list came without a word of pages: then it is all there is. */
export function isWhole({ count, pages }: Pick<ReadList<unknown>, 'count' | 'pages'>): boolean {
  return count === undefined && pages === undefined;
}

/** The wanted page of a list that is here whole. */
export function cut<T>(all: T[], { page = 1, page_size = defaultPageSize }: PageWanted): Page<T> {
  return {
    items: all.slice((page - 1) * page_size, page * page_size),
    count: all.length,
    pages: Math.max(1, Math.ceil(all.length / page_size)),
  };
}
