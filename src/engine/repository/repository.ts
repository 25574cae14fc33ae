import type { Readable } from 'node:stream';
import type { Manifest, StoredObject } from './manifest.ts';

/** The catalogue of one object store. The repository is the truth; the state store only indexes it. */
export interface Repository {
  readonly url: string;
  manifest(serviceId: string, backupId: string): Promise<Manifest | undefined>;
  /**
   * Every published backup, read from the manifests alone. Damaged manifests are reported through `onDamaged` and left out;
   * so is each folder of which `isKnown` says that its listing (names and sizes, as one text) is known: it is not read.
   */
  catalogue(
    onDamaged: (key: string, reason: string) => void,
    isKnown?: (folder: string, listing: string) => boolean,
  ): AsyncIterable<Manifest>;
  /**
   * An object's bytes (by default the first's) with every block checked against the manifest before it is handed on.
   * Fails with `backup_damaged` naming the backup, the object and the block.
   */
  read(manifest: Manifest, signal: AbortSignal, object?: StoredObject): Readable;
}

/** The side that takes backups. What is not published is no backup: nothing lists it, and `sweep` removes it. */
export interface BackupRepository extends Repository {
  /** Bytes that may still be written; undefined where there is no limit to know of. */
  freeBytes(): Promise<number | undefined>;
  /** Whether all its objects are there in their whole size; their bytes are not read. */
  isWhole(manifest: Manifest): Promise<boolean>;
  /** Streams bytes of a backup into the store, hashed as they pass: the whole, and each block. */
  putObject(key: string, body: Readable, signal: AbortSignal): Promise<StoredObject>;
  /** The moment a backup comes to be. Its objects must be stored already. */
  publish(manifest: Manifest): Promise<void>;
  /** Removes a backup, its manifest first, so that no half of it is ever listed; or an object that was not published. */
  remove(serviceId: string, backupId: string): Promise<void>;
  /** Removes unfinished puts, and objects without a manifest, that are older; returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}
