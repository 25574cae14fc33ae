import { z } from 'zod';
import { toRfc3339 } from '../../contract/time.ts';

/** Columns as SQLite gives them, read into what the engine uses. */
export const time = z.number().transform((ms) => new Date(ms));
export const flag = z.number().transform((value) => value !== 0);
export const texts = z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text)));
export const optional = <T extends z.ZodType>(column: T) => column.nullable().transform((value) => value ?? undefined);

/** The members that are there: what JSON leaves out, `exactOptionalPropertyTypes` wants left out too. */
export function present<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

export function rfc3339(date: Date | undefined): string | undefined {
  return date === undefined ? undefined : toRfc3339(date);
}

export interface PageRequest {
  page?: number | undefined;
  page_size?: number | undefined;
  order?: 'asc' | 'desc' | undefined;
}

/** One page's items and how many there are over all pages. */
export interface RowPage<T> {
  items: T[];
  count: number;
  pages: number;
}

/** One page's rows as SQLite gives them, and how many there are over all pages. */
export interface FoundPage {
  rows: unknown[];
  count: number;
  pages: number;
}

export const defaultPageSize = 100;

export function pageBounds(query: PageRequest): { limit: number; offset: number; direction: 'ASC' | 'DESC' } {
  const limit = query.page_size ?? defaultPageSize;
  return {
    limit,
    offset: ((query.page ?? 1) - 1) * limit,
    direction: query.order === 'asc' ? 'ASC' : 'DESC',
  };
}
