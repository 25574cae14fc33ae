import type { Readable } from 'node:stream';
import type { CommandSpec } from '../mariadb/command.ts';
import type { BackupFolder } from './catalogue.ts';
import type { Manifest, StoredObject } from './manifest.ts';

/** The backups in one object store. The repository is the truth; the state store only indexes it. */
export interface Repository {
  readonly url: string;
  manifest(serviceId: string, backupId: string): Promise<Manifest | undefined>;
  /**
   * An object's bytes (by default the first's) with every block checked against the manifest before it is handed on.
   * Fails with `backup_damaged` naming the backup, the object and the block.
   */
  read(manifest: Manifest, signal: AbortSignal, object?: StoredObject): Readable;
  /**
   * What its objects have to go through after they are read; undefined where they are not encrypted. Throws
   * `identity_missing` naming the recipients, one of whose identities is wanted here.
   */
  opener(manifest: Pick<Manifest, 'id' | 'encryption'>): Promise<CommandSpec | undefined>;
}

/** The side that takes backups. What is not published is no backup: nothing lists it. */
export interface BackupRepository extends Repository {
  /** To whom backups are encrypted before they come here; none: they come as they are. */
  readonly recipients: readonly string[];
  /** Ids of the services of which something lies there, registered or not. */
  services(): Promise<string[]>;
  /** What lies there of one service, a folder for each backup; no manifest is read. */
  folders(serviceId: string): AsyncIterable<BackupFolder>;
  /**
   * The manifest of a folder whose objects are all there in their whole size; undefined where nothing was published.
   * Throws `backup_damaged` with what is wrong, `not_found` for one that was removed since it was listed.
   */
  manifestIn(folder: BackupFolder): Promise<Manifest | undefined>;
  /** Bytes that may still be written; undefined where there is no limit to know of. */
  freeBytes(): Promise<number | undefined>;
  /** Whether all its objects are there in their whole size; their bytes are not read. */
  isWhole(manifest: Manifest): Promise<boolean>;
  /** Streams bytes of a backup into the store, hashed block by block as they pass. */
  putObject(key: string, body: Readable, signal: AbortSignal): Promise<StoredObject>;
  /** The moment a backup comes to be. Its objects must be stored already. */
  publish(manifest: Manifest): Promise<void>;
  /** Removes a backup, its manifest first, so that no half of it is ever listed; or an object that was not published. */
  remove(serviceId: string, backupId: string): Promise<void>;
  /** Until when an object lock keeps a backup, where the storage says it. */
  keptUntil(serviceId: string, backupId: string): Promise<Date | undefined>;
  /** Removes the objects of a folder that was never published. */
  clear(folder: BackupFolder): Promise<void>;
  /** Removes unfinished puts that are older; returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}
