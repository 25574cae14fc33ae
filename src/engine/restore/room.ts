import type { SkybackupError } from '../../contract/errors.ts';
import { freeBytes } from './space.ts';

/**
 * What is left free: on a full disk a server stands still and waits, and the target's own server may be on the same one.
 */
export const reservedBytes = 32 * 1024 * 1024;
const lookEveryMs = 200;
/** How long what is given up has for ending. */
const graceMs = 10_000;

export interface Room {
  /** A folder of the file system that is watched. */
  place: string;
  tooFull: (free: number) => SkybackupError;
  signal: AbortSignal;
}

/**
 * Lets work go on as long as the disk has room. Its signal is aborted before the disk is full, and what `tooFull` says is
 * thrown, also where a server that stands still keeps the work from ending.
 */
export async function whileRoom<T>(
  { place, tooFull, signal }: Room,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const low = new AbortController();
  const stuck = Promise.withResolvers<never>();
  let grace: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    const free = freeBytes(place);
    if (free >= reservedBytes) return;
    clearInterval(timer);
    const error = tooFull(free);
    low.abort(error);
    grace = setTimeout(() => stuck.reject(error), graceMs);
  }, lookEveryMs);
  try {
    return await Promise.race([work(AbortSignal.any([signal, low.signal])), stuck.promise]);
  } catch (error) {
    // The tables may be told as full between two looks.
    const free = freeBytes(place);
    if (!signal.aborted && (low.signal.aborted || free < reservedBytes)) throw low.signal.reason ?? tooFull(free);
    throw error;
  } finally {
    clearInterval(timer);
    clearTimeout(grace);
  }
}
