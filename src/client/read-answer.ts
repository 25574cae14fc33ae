import type { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import { shorten } from './http-failure.ts';

/**
 * Reads one record tolerantly: null counts as absent, digits are accepted where a number is due, an optional field of a
 * wrong type is dropped. Only a record that lacks what it cannot be without is an error, named by `what`.
 */
export function readRecord<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const record = withoutNulls(value);
  const first = schema.safeParse(record);
  if (first.success) return first.data;
  const mended = isRecord(record) ? mend(record, first.error) : record;
  const second = schema.safeParse(mended);
  if (second.success) return second.data;
  const issue = second.error.issues[0];
  const where = issue && issue.path.length > 0 ? `"${issue.path.join('.')}": ` : '';
  throw new SkybackupError(
    'bad_answer',
    `The server's ${what} cannot be read: ${where}${shorten(issue?.message ?? '', 200)}.`,
    {
      retryable: false,
    },
  );
}

/** One record that may come bare, in an array of one, or under `key` in an array of one. */
export function readOne<T>(schema: z.ZodType<T>, body: unknown, key: string, what: string): T {
  const list = Array.isArray(body) ? body : isRecord(body) && Array.isArray(body[key]) ? body[key] : undefined;
  return readRecord(schema, list === undefined ? body : list[0], what);
}

export interface ReadList<T> {
  items: T[];
  /** What the server says of all pages; undefined when it answered without paging. */
  count: number | undefined;
  pages: number | undefined;
}

/** A list that may come paged under `key`, as a bare array, as a single record, or as nothing at all. */
export function readList<T>(schema: z.ZodType<T>, body: unknown, key: string, what: string): ReadList<T> {
  const each = (list: unknown[]): T[] => list.map((item) => readRecord(schema, item, what));
  if (body === undefined || body === null) return { items: [], count: undefined, pages: undefined };
  if (Array.isArray(body)) return { items: each(body), count: undefined, pages: undefined };
  if (!isRecord(body)) throw new SkybackupError('bad_answer', `The server answered without a list of ${what}s.`);
  if (key in body || `${key}_count` in body) {
    const list = body[key] ?? [];
    if (!Array.isArray(list)) throw new SkybackupError('bad_answer', `The server's "${key}" is not a list.`);
    return { items: each(list), count: integer(body[`${key}_count`]), pages: integer(body.pages_count) };
  }
  return { items: Object.keys(body).length === 0 ? [] : each([body]), count: undefined, pages: undefined };
}

function mend(record: Record<string, unknown>, error: z.ZodError): Record<string, unknown> {
  const mended = { ...record };
  for (const { path } of error.issues) {
    const field = String(path[0]);
    const value = record[field];
    if (typeof value === 'string' && /^-?\d{1,15}$/.test(value.trim())) mended[field] = Number(value);
    else if (typeof value === 'number' || typeof value === 'boolean') mended[field] = String(value);
    else delete mended[field];
  }
  return mended;
}

function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

function integer(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
