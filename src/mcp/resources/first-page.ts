import type { Page } from '../../contract/pages.ts';
import { listPage, type Row } from '../lists/list-page.ts';

/** The first page of a list, as data. `more` says how to get the rest: by a tool, since a resource takes no cursor. */
export async function firstPage<T>(
  things: string,
  fetchPage: (query: { page: number; page_size: number }) => Promise<Page<T>>,
  rowOf: (item: T) => Row | Promise<Row>,
  more: (cursor: string) => string,
): Promise<Record<string, unknown>> {
  const { rows, count, next_cursor } = await listPage({ limit: 25 }, fetchPage, rowOf);
  return {
    [things]: rows.map(({ data }) => data),
    count,
    next: next_cursor === undefined ? undefined : more(next_cursor),
  };
}
