import { dirname } from 'node:path/posix';
import { buffer } from 'node:stream/consumers';
import { SkybackupError } from '../../contract/errors.ts';
import type { ObjectStat, ObjectStore } from '../storage/object-store.ts';
import { type Manifest, objectPrefix } from './manifest.ts';
import { listingOf, parseManifest } from './manifest-file.ts';

/** What lies in the folder of one backup, as the store lists it: nothing of it was read. */
export interface BackupFolder {
  /** `v1/<service>/<32 hex>` */
  path: string;
  /** Absent in one that was cut short between its last byte and its manifest: it is no backup. */
  manifestKey: string | undefined;
  objects: readonly ObjectStat[];
  /** Names and sizes, as one text. */
  listing: string;
}

/** The folders of one service, one after another. */
export async function* backupFolders(store: ObjectStore, serviceId: string): AsyncIterable<BackupFolder> {
  let objects: ObjectStat[] = [];
  for await (const object of store.list(`${objectPrefix}/${serviceId}/`)) {
    if (object.key.split('/').length !== 4) continue;
    const [before] = objects;
    if (before !== undefined && dirname(before.key) !== dirname(object.key)) {
      yield folderOf(before, objects);
      objects = [];
    }
    objects.push(object);
  }
  const [last] = objects;
  if (last !== undefined) yield folderOf(last, objects);
}

function folderOf(any: ObjectStat, objects: readonly ObjectStat[]): BackupFolder {
  return {
    path: dirname(any.key),
    manifestKey: objects.find(({ key }) => key.endsWith('/manifest.json'))?.key,
    objects,
    listing: listingOf(objects),
  };
}

/**
 * The manifest of a folder whose objects are all there in their whole size; undefined where there is none. Throws
 * `backup_damaged` with what is wrong, `not_found` for one that was removed since it was listed.
 */
export async function manifestIn(store: ObjectStore, folder: BackupFolder): Promise<Manifest | undefined> {
  const { manifestKey, objects } = folder;
  if (manifestKey === undefined) return undefined;
  const manifest = parseManifest(manifestKey, await buffer(await store.get(manifestKey)));
  const damage = damageOf(manifest, objects);
  if (damage !== undefined) throw new SkybackupError('backup_damaged', damage, { details: { key: manifestKey } });
  return manifest;
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
