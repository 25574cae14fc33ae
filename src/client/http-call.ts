import { SkybackupError } from '../contract/errors.ts';
import type { CallOptions } from './backup-api.ts';

/** The parts of a request that bound it. */
export function bounds({ signal, deadlineMs }: CallOptions): { signal?: AbortSignal; deadlineMs?: number } {
  return { ...(signal === undefined ? {} : { signal }), ...(deadlineMs === undefined ? {} : { deadlineMs }) };
}

/** An id as one path segment. `.` and `..` would climb out of the path, and an empty one would name the whole list. */
export function segment(id: string | number): string {
  const text = String(id).trim();
  if (text === '' || text === '.' || text === '..' || text.length > 1024)
    throw new SkybackupError('invalid_request', `"${text.slice(0, 50)}" is not an id.`);
  return encodeURIComponent(text).replaceAll('%3A', ':');
}

/** Whether a server refused the request itself: nothing was carried out. */
export function refusedAs400(error: unknown): error is SkybackupError {
  return error instanceof SkybackupError && error.status === 400;
}
