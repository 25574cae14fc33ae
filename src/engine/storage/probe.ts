import { randomBytes, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { SkybackupError } from '../../contract/errors.ts';
import type { ObjectStore, StoreFeatures } from './object-store.ts';

/** What it writes goes under here, and is gone afterwards. */
const scratch = 'skybackup-check';

/**
 * Does once, with a small object, all that backups and restores will do here, and finds out what the storage can do
 * besides. For when a storage is added, and for `doctor`. Throws what fails, by the adapter's own words.
 */
export async function probeStorage(store: ObjectStore): Promise<StoreFeatures> {
  const folder = `${scratch}/${randomUUID()}`;
  const key = `${folder}/object`;
  const bytes = randomBytes(4096);
  try {
    await store.put(key, bytes);
    await demand(store, 'reading it back', (await buffer(await store.get(key))).equals(bytes));
    const part = await buffer(await store.get(key, { start: 100, end: 199 }));
    await demand(store, 'reading a part of it', part.equals(bytes.subarray(100, 200)));
    await demand(store, 'its size', (await store.stat(key))?.bytes === bytes.length);
    const listed = [];
    for await (const object of store.list(`${folder}/`)) listed.push(object.key);
    await demand(store, 'listing it', listed.join() === key);
    await demand(store, 'naming its folder', (await store.folders(scratch)).includes(folder.slice(scratch.length + 1)));
    const second = await store.put(key, bytes).then(
      () => undefined,
      (error: unknown) => error,
    );
    await demand(store, 'refusing a second', second instanceof SkybackupError && second.code === 'conflict');
    const features = await store.features(`${folder}/features`);
    await store.delete(key);
    await demand(store, 'deleting it', (await store.stat(key)) === undefined);
    return features;
  } catch (error) {
    await store.delete(key).catch(() => {});
    throw error;
  }
}

/** Throws where objects cannot be locked: a lock that is not there protects nothing. */
export async function demandObjectLock(store: ObjectStore): Promise<void> {
  if (await store.locksObjects?.()) return;
  throw new SkybackupError('invalid_request', `${store.url} has no object lock.`, {
    hint: 'Switch object lock on for the bucket (most servers: when it is made), or add the storage without --object-lock.',
  });
}

async function demand({ url }: ObjectStore, what: string, met: boolean): Promise<void> {
  if (met) return;
  throw new SkybackupError(
    'storage_failed',
    `${url} took a small object, but ${what} gave something else than expected.`,
    {
      hint: 'Use another storage: backups in this one could not be trusted.',
      retryable: false,
    },
  );
}
