import { Readable } from 'node:stream';
import { SkybackupError } from '../../contract/errors.ts';
import { checkKey, isKey } from './object-key.ts';
import type { ObjectStat, ObjectStore } from './object-store.ts';

export interface PutRequest {
  key: string;
  body: Readable;
  signal: AbortSignal | undefined;
}

export interface ReadRequest {
  key: string;
  start?: number;
  /** Inclusive. */
  end?: number;
  signal?: AbortSignal;
  patient?: boolean;
}

/** A page of a listing: objects by their whole names in the bucket, and the names that folders begin with. */
export interface ListedPage {
  objects: { name: string; bytes: number; modified: Date }[];
  folders: string[];
}

/** What buckets of a kind do by requests of their own. Keys that reach it are checked. */
export interface Bucket {
  readonly url: string;
  /** Of every object's name, with its `/`. */
  readonly prefix: string;
  put(request: PutRequest): Promise<{ bytes: number }>;
  read(request: ReadRequest): Promise<Readable>;
  stat(key: string): Promise<ObjectStat | undefined>;
  /** With a delimiter what lies deeper is named by its folder alone. */
  pages(under: string, delimiter?: '/'): AsyncIterable<ListedPage>;
  /** Throws `not_found` where there is none. */
  remove(key: string): Promise<unknown>;
}

/** What is the same for every kind of bucket: which keys are ours, and that deleting twice is no failure. */
export function bucketStore(bucket: Bucket): Omit<ObjectStore, 'sweep' | 'locksObjects' | 'features'> {
  const { url, prefix } = bucket;

  return {
    url,
    parallelGets: true,
    async put(key, body, { signal } = {}) {
      const source = Buffer.isBuffer(body) ? Readable.from([body]) : body;
      // A body may fail before its first byte is asked for; reading it then gives that error.
      source.on('error', () => {});
      try {
        checkKey(key);
        return await bucket.put({ key, body: source, signal });
      } catch (error) {
        source.destroy();
        throw error;
      }
    },
    async get(key, range = {}) {
      checkKey(key);
      return bucket.read({ key, ...range });
    },
    async stat(key) {
      checkKey(key);
      return bucket.stat(key);
    },
    async *list(under) {
      if (under.includes('/')) checkKey(under.slice(0, under.lastIndexOf('/')));
      for await (const { objects } of bucket.pages(under)) {
        for (const { name, bytes, modified } of objects) {
          const key = name.slice(prefix.length);
          // Consoles leave objects that stand for folders, and others may write what is no key of ours.
          if (isKey(key)) yield { key, bytes, modified };
        }
      }
    },
    async folders(under) {
      checkKey(under);
      const names: string[] = [];
      for await (const { folders } of bucket.pages(`${under}/`, '/')) {
        for (const name of folders) names.push(name.slice(prefix.length + under.length + 1, -1));
      }
      return names.filter(isKey).sort();
    },
    async delete(key) {
      checkKey(key);
      await unlessAbsent(bucket.remove(key));
    },
    freeBytes: async () => undefined,
  };
}

/** What was asked for, or undefined where the storage says that there is none. */
export async function unlessAbsent<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'not_found') return undefined;
    throw error;
  }
}
