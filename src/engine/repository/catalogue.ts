import { dirname } from 'node:path/posix';
import { buffer } from 'node:stream/consumers';
import { toSkybackupError } from '../../contract/errors.ts';
import type { ObjectStat, ObjectStore } from '../storage/object-store.ts';
import { type Manifest, objectPrefix } from './manifest.ts';
import { listingOf, parseManifest } from './manifest-file.ts';

/**
 * Reads every manifest but those of folders that `isKnown` says to hold what they held before; those that cannot be read, or
 * whose object is missing or of another size, are reported.
 */
export async function* catalogue(
  store: ObjectStore,
  onDamaged: (key: string, reason: string) => void,
  isKnown: (folder: string, listing: string) => boolean = () => false,
): AsyncIterable<Manifest> {
  for await (const { objects, manifestKey } of backupFolders(store)) {
    if (manifestKey === undefined) continue;
    if (isKnown(dirname(manifestKey), listingOf(objects))) continue;
    try {
      const manifest = parseManifest(manifestKey, await buffer(await store.get(manifestKey)));
      const damage = damageOf(manifest, objects);
      if (damage === undefined) yield manifest;
      else onDamaged(manifestKey, damage);
    } catch (error) {
      const failure = toSkybackupError(error);
      // Removed since it was listed.
      if (failure.code !== 'not_found') onDamaged(manifestKey, failure.message);
    }
  }
}

/** Deletes objects that no manifest names: their backup was cut short between its last byte and its manifest. */
export async function sweepUnpublished(store: ObjectStore, olderThanMs: number): Promise<number> {
  let swept = 0;
  for await (const { objects, manifestKey } of backupFolders(store)) {
    if (manifestKey !== undefined) continue;
    for (const object of objects) {
      if (Date.now() - object.modified.getTime() < olderThanMs) continue;
      await store.delete(object.key);
      swept += 1;
    }
  }
  return swept;
}

/** What the listing alone shows to be wrong: an object that is missing or of another size. */
function damageOf(manifest: Manifest, objects: readonly ObjectStat[]): string | undefined {
  const sizes = new Map(objects.map(({ key, bytes }) => [key, bytes]));
  for (const { key, bytes } of manifest.objects) {
    const size = sizes.get(key);
    if (size === undefined) return `Its object ${key} is missing.`;
    if (size !== bytes) return `Its object ${key} has ${size} bytes, and ${bytes} were written.`;
  }
  return undefined;
}

interface BackupFolder {
  manifestKey: string | undefined;
  objects: ObjectStat[];
}

/** The store's listing, grouped by backup folder: `v1/<service>/<id>/…` come one after another. */
async function* backupFolders(store: ObjectStore): AsyncIterable<BackupFolder> {
  let current = '';
  let objects: ObjectStat[] = [];
  const folder = (): BackupFolder => ({ manifestKey: objects.find(isManifest)?.key, objects });
  for await (const object of store.list(`${objectPrefix}/`)) {
    const path = object.key.split('/');
    if (path.length !== 4) continue;
    const prefix = path.slice(0, 3).join('/');
    if (prefix !== current && objects.length > 0) {
      yield folder();
      objects = [];
    }
    current = prefix;
    objects.push(object);
  }
  if (objects.length > 0) yield folder();
}

function isManifest(object: ObjectStat): boolean {
  return object.key.endsWith('/manifest.json');
}
