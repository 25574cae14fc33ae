import type { Readable } from 'node:stream';

export interface ObjectStat {
  key: string;
  bytes: number;
  modified: Date;
  /** Until when an object lock keeps it; only `stat` tells, and only where the storage has one. */
  keptUntil?: Date;
}

/**
 * What a storage does with a second object of a key when it is asked to keep the first: `kept` is as asked, `unknown` says
 * that it cannot be asked so, `ignored` that it replaced the first all the same.
 */
export type FenceKind = 'kept' | 'unknown' | 'ignored';

/** In what storages of a kind differ. None of it is ever the only fence: servers say they can and then race. */
export interface StoreFeatures {
  /** For objects sent in one request, and in parts. */
  putIfAbsent: { whole: FenceKind; inParts: FenceKind };
  /** Bytes that were damaged on their way are refused. */
  checksPayload: boolean;
  /** By how much the storage's clock is ahead of this machine's. */
  clockOffsetMs: number;
}

/** A place for backup objects: local directory, S3, GCS. Keys are relative, `/`-separated, without `..`. */
export interface ObjectStore {
  /** For people and manifests: `file:///…`, `s3://bucket/prefix`. */
  readonly url: string;
  /**
   * Stores the whole stream under `key`, or nothing: an aborted or failed put leaves no object and no parts.
   * Resolves once the object is durable. Never overwrites: an existing key is an error.
   */
  put(key: string, body: Readable | Buffer, options?: { signal?: AbortSignal }): Promise<{ bytes: number }>;
  /** `end` is inclusive, as in HTTP ranges. `patient`: it goes on with what was begun, and holds out as long as a put does. */
  get(
    key: string,
    options?: { start?: number; end?: number; signal?: AbortSignal; patient?: boolean },
  ): Promise<Readable>;
  /** Whether several gets beside each other bring an object sooner than one, as over a network. */
  readonly parallelGets?: boolean;
  stat(key: string): Promise<ObjectStat | undefined>;
  list(prefix: string): AsyncIterable<ObjectStat>;
  /** Names of the folders right under one, sorted; nothing in them is looked at. */
  folders(under: string): Promise<string[]>;
  delete(key: string): Promise<void>;
  /** Bytes that may still be written; undefined where there is no limit to know of. */
  freeBytes(): Promise<number | undefined>;
  /**
   * Removes what killed processes left behind: unfinished puts of keys that begin with `under`, of which nothing has come
   * for `olderThanMs`. Returns how many. A bucket may be others' too: what they have unfinished elsewhere stays.
   */
  sweep(olderThanMs: number, under?: string): Promise<number>;
  /** Whether objects in it can be locked against deletion. A kind of storage that never locks any has no such question. */
  locksObjects?(): Promise<boolean>;
  /** Finds out what it can do by trying it out on a key of the caller's, which is free again afterwards. */
  features(scratch: string): Promise<StoreFeatures>;
}
