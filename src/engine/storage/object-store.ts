import type { Readable } from 'node:stream';

export interface ObjectStat {
  key: string;
  bytes: number;
  modified: Date;
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
  /** `end` is inclusive, as in HTTP ranges. */
  get(key: string, options?: { start?: number; end?: number; signal?: AbortSignal }): Promise<Readable>;
  stat(key: string): Promise<ObjectStat | undefined>;
  list(prefix: string): AsyncIterable<ObjectStat>;
  /** Names of the folders right under one, sorted; nothing in them is looked at. */
  folders(under: string): Promise<string[]>;
  delete(key: string): Promise<void>;
  /** Bytes that may still be written; undefined where there is no limit to know of. */
  freeBytes(): Promise<number | undefined>;
  /** Removes what killed processes left behind (unfinished puts older than `olderThanMs`); returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}
