import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ByteLimit } from './byte-limit.ts';
import type { ObjectStore } from './object-store.ts';

/** Small enough that others get their turn soon, at whatever limit. */
const stepBytes = 64 * 1024;

/**
 * The same store with its bandwidth limited: what is read from it and what is written to it count alike. Objects that are in
 * memory whole, as manifests are, go at once. A bucket's parts go as fast as the line is, but no sooner than they are full.
 */
export function limitedStore(store: ObjectStore, limit: ByteLimit): ObjectStore {
  return {
    ...store,
    put: (key, body, options) => store.put(key, Buffer.isBuffer(body) ? body : paced(body, limit), options),
    get: async (key, options) => paced(await store.get(key, options), limit),
  };
}

function paced(source: Readable, limit: ByteLimit): Readable {
  if (limit.bytesPerSecond === undefined) return source;
  // An error of either end is given to whoever reads; the other end is closed with it.
  return pipeline(source, new Pace(limit), () => {});
}

/** Passes bytes on, no faster than the limit lets them; holds no more than the piece that came. */
class Pace extends Transform {
  readonly #limit: ByteLimit;
  readonly #gone = new AbortController();

  constructor(limit: ByteLimit) {
    super({ highWaterMark: stepBytes });
    this.#limit = limit;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pass(chunk).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#gone.abort();
    done(error);
  }

  async #pass(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; at += stepBytes) {
      const step = chunk.subarray(at, at + stepBytes);
      this.push(step);
      const wait = this.#limit.count(step.length);
      if (wait > 0) await delay(wait, undefined, { signal: this.#gone.signal });
    }
  }
}
