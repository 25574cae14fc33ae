import { randomUUID } from 'node:crypto';
import { constants, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { link, lstat, open, readdir, rmdir, statfs, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { makeDirectories, nearestExisting, refuseEscape, syncDirectory } from './directories.ts';
import { writeDurably } from './durable-write.ts';
import { keyTaken, storageFailure } from './failure.ts';
import { checkKey } from './object-key.ts';
import type { ObjectStat, ObjectStore, StoreFeatures } from './object-store.ts';

/** Unfinished puts; on the same file system as the objects, so that a finished one is linked into place. */
const incoming = '.incoming';

/** A directory as object store. It is made (0700) by the first put. */
export function localDirectory(directory: string): ObjectStore {
  const root = resolve(directory);
  const url = pathToFileURL(root).href;
  const active = new Set<string>();

  const pathOf = async (key: string): Promise<string> => {
    checkKey(key);
    const path = join(root, key);
    await refuseEscape(root, path);
    return path;
  };

  async function put(
    key: string,
    body: Readable | Buffer,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ bytes: number }> {
    const unfinished = join(root, incoming, randomUUID());
    active.add(unfinished);
    let bytes = 0;
    // A body may fail before its first byte is asked for; the read below then gives that error.
    if (!Buffer.isBuffer(body)) body.on('error', () => {});
    try {
      const path = await pathOf(key);
      if (await exists(path)) throw keyTaken(key, url);
      signal?.throwIfAborted();
      await makeDirectories(root, dirname(unfinished));
      const source = Buffer.isBuffer(body) ? Readable.from([body]) : body;
      if (signal !== undefined) addAbortSignal(signal, source);
      await writeDurably(unfinished, source, (count) => {
        bytes = count;
      });
      signal?.throwIfAborted();
      await linkInto(root, unfinished, path);
      return { bytes };
    } catch (error) {
      if (!Buffer.isBuffer(body)) body.destroy();
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw keyTaken(key, url);
      throw storageFailure(error, { url, action: 'written', key, bytes, free: await freeBytes(), signal });
    } finally {
      await unlink(unfinished).catch(() => {});
      active.delete(unfinished);
    }
  }

  async function get(
    key: string,
    { start, end, signal }: { start?: number; end?: number; signal?: AbortSignal } = {},
  ): Promise<Readable> {
    const path = await pathOf(key);
    try {
      signal?.throwIfAborted();
      // O_NOFOLLOW: an object is a file, never a link to one.
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      return file.createReadStream({
        highWaterMark: 256 * 1024,
        ...(start === undefined ? {} : { start }),
        ...(end === undefined ? {} : { end }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw storageFailure(error, { url, action: 'read', key, signal });
    }
  }

  async function stat(key: string): Promise<ObjectStat | undefined> {
    const path = await pathOf(key);
    try {
      const found = await lstat(path);
      return found.isFile() ? { key, bytes: found.size, modified: found.mtime } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storageFailure(error, { url, action: 'read', key });
    }
  }

  async function* list(prefix: string): AsyncIterable<ObjectStat> {
    const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : '';
    if (folder !== '') await pathOf(folder);
    let looked = 0;
    for (const object of walk(folder, prefix)) {
      yield object;
      looked += 1;
      // Others get their turn: the walk itself waits for nothing.
      if (looked % 100 === 0) await turn();
    }
  }

  /** Synchronous: with a hundred thousand small folders, waiting for each look would take most of the time. */
  function* walk(folder: string, prefix: string): Iterable<ObjectStat> {
    const entries = entriesOf(folder);
    // Buckets list by whole keys: there "a-b/x" comes before "a/x".
    const names = entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of names) {
      const key = folder === '' ? name : `${folder}/${name}`;
      if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue;
      if (name.endsWith('/')) yield* walk(key.slice(0, -1), prefix);
      else {
        // Not `stat`: the way here had no links in it.
        const found = lstatSync(join(root, key), { throwIfNoEntry: false });
        if (found?.isFile()) yield { key, bytes: found.size, modified: found.mtime };
      }
    }
  }

  async function folders(under: string): Promise<string[]> {
    await pathOf(under);
    return entriesOf(under)
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  }

  function entriesOf(folder: string): Dirent[] {
    try {
      return readdirSync(join(root, folder), { withFileTypes: true });
    } catch (error) {
      if (isAbsent(error)) return [];
      throw storageFailure(error, { url, action: 'listed', key: folder });
    }
  }

  async function remove(key: string): Promise<void> {
    const path = await pathOf(key);
    try {
      await unlink(path);
      await syncDirectory(dirname(path));
    } catch (error) {
      if (!isAbsent(error)) throw storageFailure(error, { url, action: 'deleted', key });
    }
    // Folders that became empty go too, also those that a killed put had only just made; one that runs makes them again.
    for (let folder = dirname(path); folder.length > root.length; folder = dirname(folder)) {
      if (
        !(await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        break;
    }
  }

  async function freeBytes(): Promise<number | undefined> {
    const system = await statfs(await nearestExisting(root)).catch(() => undefined);
    return system === undefined ? undefined : system.bavail * system.bsize;
  }

  async function sweep(olderThanMs: number): Promise<number> {
    const folder = join(root, incoming);
    let swept = 0;
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const found = active.has(path) ? undefined : await lstat(path).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
      await unlink(path).then(
        () => {
          swept += 1;
        },
        () => {},
      );
    }
    return swept;
  }

  /** A link never replaces a file; the rest is the file system's own business, and no line lies between it and us. */
  const features = async (): Promise<StoreFeatures> => ({
    putIfAbsent: { whole: 'kept', inParts: 'kept' },
    checksPayload: true,
    clockOffsetMs: 0,
  });

  return { url, put, get, stat, list, folders, delete: remove, freeBytes, sweep, features };
}

/** Gives the finished file its name, unless that is taken: a link, unlike a rename, never replaces. */
async function linkInto(root: string, unfinished: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await makeDirectories(root, dirname(path));
    try {
      await link(unfinished, path);
      break;
    } catch (error) {
      // A delete removed the emptied folder in between.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 3) throw error;
    }
  }
  await syncDirectory(dirname(path));
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
