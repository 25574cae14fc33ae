import type { ObjectStore } from '../storage/object-store.ts';
import type { StoredObject } from './manifest.ts';

/** How an object is fetched by several requests beside each other. All that they hold is in memory. */
export interface RangePlan {
  rangeBytes: number;
  /** Ranges that are on their way, wait for their turn, or are being taken. */
  beside: number;
}

/** 16 MiB: one connection to a bucket gets a part of the line, four get most of it. */
export const rangePlan: RangePlan = { rangeBytes: 4 * 1024 * 1024, beside: 4 };

interface Range {
  start: number;
  bytes: number;
  isLast: boolean;
}

/**
 * An object's bytes in order, fetched in ranges beside each other. The store repeats a range that fails, and it alone; one
 * that is slow holds the others up only when there is nowhere to put more. Ends early where a range is too short.
 */
export async function* parallelRead(
  store: Pick<ObjectStore, 'get'>,
  { key, bytes }: Pick<StoredObject, 'key' | 'bytes'>,
  signal: AbortSignal,
  { rangeBytes, beside }: RangePlan = rangePlan,
): AsyncGenerator<Buffer> {
  const held: { range: Range; fetching: Promise<Buffer[]> }[] = [];
  for (let asked = 0; ; ) {
    while (held.length < beside && asked < bytes) {
      const length = Math.min(rangeBytes, bytes - asked);
      const range = { start: asked, bytes: length, isLast: asked + length === bytes };
      const fetching = fetchRange(store, key, range, signal);
      // It is awaited in its turn, unless the reader goes away before.
      fetching.catch(() => {});
      held.push({ range, fetching });
      asked += length;
    }
    const [head] = held;
    if (head === undefined) return;
    const pieces = await head.fetching;
    let got = 0;
    for (const [index, piece] of pieces.entries()) {
      got += piece.length;
      yield piece;
      pieces[index] = released;
    }
    if (got < head.range.bytes) return;
    held.shift();
  }
}

const released = Buffer.alloc(0);

/** A range as it came. The last is open at its end: of an object that became longer, a little more comes. */
async function fetchRange(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  { start, bytes, isLast }: Range,
  signal: AbortSignal,
): Promise<Buffer[]> {
  const end = isLast ? {} : { end: start + bytes - 1 };
  const source = await store.get(key, { start, ...end, signal, patient: start > 0 });
  const pieces: Buffer[] = [];
  let got = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    pieces.push(chunk);
    got += chunk.length;
    if (got > bytes) break;
  }
  return pieces;
}
