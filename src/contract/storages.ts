import { z } from 'zod';
import { localStorage } from './default-storage.ts';
import { sizeBytes } from './retention.ts';
import { BucketPath } from './schedules.ts';

/** Short enough for people to say. */
export const StorageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be small letters, digits and hyphens')
  .refine((name) => name !== localStorage, 'must not be "local": that is the repository in the home of the daemon');

/** Which services' backups go to a storage where nothing else is said: all, or those named. */
export const DefaultFor = z.union([z.literal('all'), z.array(z.string().min(1).max(300)).max(1000)]);
export type DefaultFor = z.infer<typeof DefaultFor>;

/**
 * What is written there cannot be deleted before its days are over: by nobody (compliance), or only by who has a right of its
 * own to do that (governance).
 */
export const ObjectLock = z.strictObject({
  mode: z.enum(['governance', 'compliance']),
  days: z.number().int().min(1).max(36_500),
});
export type ObjectLock = z.infer<typeof ObjectLock>;

/**
 * To whom backups are encrypted: X25519 recipients of age. They are public. Each one's identity opens every backup alone, so
 * that a second may lie in a safe.
 */
export const Recipients = z
  .array(
    z
      .string()
      .regex(
        /^age1[02-9ac-hj-np-z]{58}$/,
        'must be a recipient of age: age1 and 58 letters and digits, never the secret',
      ),
  )
  .max(20);
export type Recipients = z.infer<typeof Recipients>;

/** Less than this, and a connection that waits for its turn looks as if it stood still. */
const leastBytesPerSecond = 100_000;

/** `50MB/s` in bytes; 0 for what is no limit. */
export function limitBytes(text: string): number {
  return text.endsWith('/s') ? sizeBytes(text.slice(0, -2)) : 0;
}

/** What may move to and from a storage, of all transfers together, in both directions together. */
export const BandwidthLimit = z
  .string()
  .max(24)
  .refine((text) => limitBytes(text) >= leastBytesPerSecond, 'must be a limit such as "50MB/s", at least 100kB/s');

/** Registers a place for backups. Only a person does this: whoever names a bucket decides who can read the data. */
export const StorageRequest = z.strictObject({
  name: StorageName,
  path: z.union([BucketPath, z.string().regex(/^file:\/\/\/[^\s]+$/, 'must be file:///folder')]),
  /** As in a schedule's own bucket; without them, those of the daemon's machine. */
  credentials: z.string().max(65_536).optional(),
  default_for: DefaultFor.optional(),
  object_lock: ObjectLock.optional(),
  recipients: Recipients.optional(),
  limit: BandwidthLimit.optional(),
});
export type StorageRequest = z.infer<typeof StorageRequest>;

/** What is not given stays; null takes it away. */
export const StoragePatch = z
  .strictObject({
    default_for: DefaultFor.nullable().optional(),
    limit: BandwidthLimit.nullable().optional(),
    /** Of the backups from now on; none: they are not encrypted. */
    recipients: Recipients.optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, 'name what is to be changed');
export type StoragePatch = z.infer<typeof StoragePatch>;

/** A place for backups as anyone may see it: never its credentials. */
export const Storage = z.looseObject({
  name: z.string(),
  path: z.string(),
  /** Whether it has credentials of its own. */
  has_credentials: z.boolean().optional(),
  default_for: DefaultFor.optional(),
  object_lock: ObjectLock.optional(),
  /** To whom new backups there are encrypted; absent where they are not. */
  recipients: z.array(z.string()).optional(),
  limit: z.string().optional(),
  added_at: z.string().optional(),
  /** Services that have backups there: for them it is no new place. */
  services: z.array(z.string()).optional(),
  backups: z.number().int().optional(),
  storage_bytes: z.number().optional(),
  /** Why it could not be looked at when that was last tried. */
  trouble: z.string().optional(),
});
export type Storage = z.infer<typeof Storage>;

export const StoragesList = z.looseObject({ storages: z.array(Storage) });

/** What a check of a storage found: it was written to, read back, and emptied again. */
export const StorageCheck = z.looseObject({
  name: z.string(),
  path: z.string(),
  /** Sentences on what the storage does otherwise than most, and what follows. */
  remarks: z.array(z.string()),
});
export type StorageCheck = z.infer<typeof StorageCheck>;
