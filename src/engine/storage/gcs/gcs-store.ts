import { Readable } from 'node:stream';
import type { GcsCredentials } from '../../../contract/credentials.ts';
import { SkybackupError } from '../../../contract/errors.ts';
import { registerSecret } from '../../../contract/redact.ts';
import { parseBucketUrl } from '../bucket-location.ts';
import { checkKey, isKey } from '../object-key.ts';
import type { ObjectStat, ObjectStore } from '../object-store.ts';
import { type Patience, patient } from '../retry.ts';
import type { GcsObject } from './calls.ts';
import { connectBucket } from './connection.ts';
import { findFeatures } from './features.ts';
import { putObject } from './put.ts';
import { readObject } from './read.ts';
import { readServiceAccount } from './service-account.ts';

export interface GcsOptions {
  /** Without them: what the machine has of its own (application default credentials). */
  credentials?: Omit<GcsCredentials, 'kind'> | undefined;
  /** Of the API, for what speaks like it; else STORAGE_EMULATOR_HOST says it, as it does for Google's own libraries. */
  endpoint?: string | undefined;
  /** A multiple of 256 KiB: what the server takes but for the last. */
  chunkBytes?: number;
  patience?: Patience;
  connectMs?: number;
  stallMs?: number;
  /** Keys of one answer to a listing; the server gives at most 1,000. */
  pageKeys?: number;
}

/** Two are held in memory. Each costs a round trip, during which nothing moves. */
const usualChunk = 16 * 1024 * 1024;

/** A bucket of Google Cloud Storage as object store: `gs://bucket/prefix`. Nothing is asked before it is used. */
export function gcsStore(url: string, options: GcsOptions = {}): ObjectStore {
  const { credentials, patience = patient, chunkBytes = usualChunk } = options;
  const { connectMs = 10_000, stallMs = 60_000, pageKeys } = options;
  registerSecret(credentials?.key.private_key);
  const { bucket, prefix } = parseBucketUrl(url, 'gs');
  const account = credentials === undefined ? undefined : readServiceAccount(credentials.key);
  const endpoint = endpointOf(options.endpoint ?? process.env.STORAGE_EMULATOR_HOST, account?.universe);
  const connection = connectBucket({ bucket, prefix, account, endpoint, connectMs, stallMs }, patience);

  async function put(
    key: string,
    body: Readable | Buffer,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ bytes: number }> {
    const source = Buffer.isBuffer(body) ? Readable.from([body]) : body;
    // A body may fail before its first byte is asked for; reading it then gives that error.
    source.on('error', () => {});
    try {
      checkKey(key);
      return await putObject(connection, { key, body: source, chunkBytes, signal });
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  async function get(
    key: string,
    range: { start?: number; end?: number; signal?: AbortSignal; patient?: boolean } = {},
  ): Promise<Readable> {
    checkKey(key);
    return readObject(connection, { key, ...range });
  }

  async function stat(key: string): Promise<ObjectStat | undefined> {
    checkKey(key);
    const name = connection.nameOf(key);
    const found = await unlessAbsent(
      connection.ask({ action: 'read', key }, (calls, signal) => calls.stat(name, signal)),
    );
    return found === undefined ? undefined : objectStat(key, found);
  }

  async function* list(under: string): AsyncIterable<ObjectStat> {
    if (under.includes('/')) checkKey(under.slice(0, under.lastIndexOf('/')));
    for await (const { items } of pages(under)) {
      for (const object of items) {
        const key = object.name.slice(prefix.length);
        // Consoles leave objects that stand for folders, and others may write what is no key of ours.
        if (isKey(key)) yield objectStat(key, object);
      }
    }
  }

  async function folders(under: string): Promise<string[]> {
    checkKey(under);
    const names: string[] = [];
    for await (const { prefixes } of pages(`${under}/`, { delimiter: '/' })) {
      for (const name of prefixes) names.push(name.slice(prefix.length + under.length + 1, -1));
    }
    return names.filter(isKey).sort();
  }

  async function* pages(under: string, more: { delimiter?: string } = {}) {
    let pageToken: string | undefined;
    do {
      const query = { prefix: prefix + under, maxResults: pageKeys, pageToken, ...more };
      const page = await connection.ask({ action: 'listed', key: under }, (calls, signal) => calls.list(query, signal));
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  async function remove(key: string): Promise<void> {
    checkKey(key);
    const name = connection.nameOf(key);
    await unlessAbsent(connection.ask({ action: 'deleted', key }, (calls, signal) => calls.remove({ name }, signal)));
  }

  return {
    url: connection.url,
    put,
    get,
    parallelGets: true,
    stat,
    list,
    folders,
    delete: remove,
    freeBytes: async () => undefined,
    /** Unfinished uploads cannot be listed here; they cost nothing, and the server forgets them after a week. */
    sweep: async () => 0,
    features: (scratch) => findFeatures(connection, scratch),
  };
}

function objectStat(key: string, { bytes, modified }: GcsObject): ObjectStat {
  return { key, bytes, modified };
}

async function unlessAbsent<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function endpointOf(given: string | undefined, universe = 'googleapis.com'): string {
  if (!given) return `https://storage.${universe}`;
  return (/^https?:\/\//.test(given) ? given : `http://${given}`).replace(/\/+$/, '');
}
