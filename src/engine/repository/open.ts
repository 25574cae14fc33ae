import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { serviceIdPattern } from '../../contract/ids.ts';
import { openCommand } from '../encryption/age.ts';
import { type Identities, noIdentities } from '../encryption/identities.ts';
import type { CommandSpec } from '../mariadb/command.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { checkedBlocks } from './block-check.ts';
import { BlockHash } from './block-hash.ts';
import { type BackupFolder, backupFolders, manifestIn } from './catalogue.ts';
import { backupPrefix, type Manifest, objectPrefix, type StoredObject } from './manifest.ts';
import { encodeManifest, manifestKey, parseManifest } from './manifest-file.ts';
import { parallelRead, type RangePlan, rangePlan } from './parallel-read.ts';
import type { BackupRepository } from './repository.ts';

/** A block is held whole until its hash is checked: 64 MiB took the daemon past 250 MB at a restore, 16 stays under 200. */
const defaultBlockBytes = 16 * 1024 * 1024;

export interface RepositoryOptions {
  /** For new objects; a manifest carries its own. */
  blockBytes?: number;
  /** For new backups, as well. */
  recipients?: readonly string[];
  /** What opens encrypted ones. */
  identities?: Pick<Identities, 'openerOf'>;
  /** Of objects that are read from stores which gain by it. */
  ranges?: RangePlan;
}

/** The repository in an object store. */
export function openRepository(
  store: ObjectStore,
  {
    blockBytes = defaultBlockBytes,
    recipients = [],
    identities = noIdentities,
    ranges = rangePlan,
  }: RepositoryOptions = {},
): BackupRepository {
  async function opener(of: Pick<Manifest, 'id' | 'encryption'>): Promise<CommandSpec | undefined> {
    return of.encryption === null ? undefined : openCommand(await identities.openerOf(of));
  }

  async function manifest(serviceId: string, backupId: string): Promise<Manifest | undefined> {
    const key = manifestKey(serviceId, backupId);
    try {
      return parseManifest(key, await buffer(await store.get(key)));
    } catch (error) {
      if (error instanceof SkybackupError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  async function putObject(key: string, body: Readable, signal: AbortSignal): Promise<StoredObject> {
    const hash = new BlockHash(blockBytes);
    body.on('error', (error) => hash.destroy(error));
    // The store's put gives this error, if it still reads; one that failed before must not end the process.
    hash.on('error', () => {});
    // Whoever destroys one end means the other too: a put that failed must not leave the pipe waiting for a reader.
    hash.once('close', () => body.destroy());
    await store.put(key, body.pipe(hash), { signal });
    return { key, ...hash.result() };
  }

  async function isWhole({ objects }: Manifest): Promise<boolean> {
    for (const { key, bytes } of objects) if ((await store.stat(key))?.bytes !== bytes) return false;
    return true;
  }

  async function publish(draft: Manifest): Promise<void> {
    await store.put(manifestKey(draft.service_id, draft.id), encodeManifest(draft));
  }

  async function remove(serviceId: string, backupId: string): Promise<void> {
    await store.delete(manifestKey(serviceId, backupId));
    for await (const { key } of store.list(`${backupPrefix(serviceId, backupId)}/`)) await store.delete(key);
  }

  async function clear({ objects }: BackupFolder): Promise<void> {
    for (const { key } of objects) await store.delete(key);
  }

  function sourceOf(object: StoredObject, signal: AbortSignal): AsyncIterable<Buffer> | Promise<Readable> {
    const inRanges = store.parallelGets === true && object.bytes > ranges.rangeBytes;
    return inRanges ? parallelRead(store, object, signal, ranges) : store.get(object.key, { signal });
  }

  function read(of: Manifest, signal: AbortSignal, object: StoredObject = of.objects[0]): Readable {
    const gone = new AbortController();
    const bytes = async function* (): AsyncGenerator<Buffer> {
      try {
        yield* checkedBlocks(await sourceOf(object, AbortSignal.any([signal, gone.signal])), of.id, object);
      } catch (error) {
        throw asReadFailure(error, of.id, object.key, signal);
      } finally {
        // Whatever is still on its way.
        gone.abort();
      }
    };
    const stream = Readable.from(bytes(), { objectMode: false, highWaterMark: 256 * 1024 });
    const { _destroy } = stream;
    // At once: a reader that has gone would else be waited for until the block is whole.
    stream._destroy = (error, done) => {
      gone.abort();
      _destroy.call(stream, error, done);
    };
    const cancel = (): void => {
      stream.destroy(asReadFailure(signal.reason, of.id, object.key, signal));
    };
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', cancel));
    return stream;
  }

  return {
    url: store.url,
    freeBytes: () => store.freeBytes(),
    manifest,
    services: async () => (await store.folders(objectPrefix)).filter((name) => serviceIdPattern.test(name)),
    folders: (serviceId) => backupFolders(store, serviceId),
    manifestIn: (folder) => manifestIn(store, folder),
    recipients,
    read,
    opener,
    isWhole,
    putObject,
    publish,
    keptUntil: async (serviceId, backupId) => (await store.stat(manifestKey(serviceId, backupId)))?.keptUntil,
    remove,
    clear,
    sweep: (olderThanMs) => store.sweep(olderThanMs, `${objectPrefix}/`),
  };
}

function asReadFailure(error: unknown, backupId: string, key: string, signal: AbortSignal): SkybackupError {
  if (signal.aborted) return new SkybackupError('cancelled', `Reading the backup ${backupId} was cancelled.`);
  const failure = toSkybackupError(error);
  if (failure.code !== 'not_found') return failure;
  return new SkybackupError('backup_damaged', `The backup ${backupId} is damaged: its object ${key} is missing.`, {
    details: { backup_id: backupId, key },
    cause: error,
  });
}
