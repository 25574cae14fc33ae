import type { GcsCredentials } from '../../../contract/credentials.ts';
import { registerSecret } from '../../../contract/redact.ts';
import { parseBucketUrl } from '../bucket-location.ts';
import { type Bucket, bucketStore, type ListedPage, unlessAbsent } from '../bucket-store.ts';
import type { ObjectStat, ObjectStore } from '../object-store.ts';
import { type Patience, patient } from '../retry.ts';
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

  const bucketOfGcs: Bucket = {
    url: connection.url,
    prefix,
    put: (request) => putObject(connection, { ...request, chunkBytes }),
    read: (request) => readObject(connection, request),
    stat,
    pages,
    remove: (key) =>
      connection.ask({ action: 'deleted', key }, (calls, signal) =>
        calls.remove({ name: connection.nameOf(key) }, signal),
      ),
  };

  async function stat(key: string): Promise<ObjectStat | undefined> {
    const name = connection.nameOf(key);
    const found = await unlessAbsent(
      connection.ask({ action: 'read', key }, (calls, signal) => calls.stat(name, signal)),
    );
    return found && { key, bytes: found.bytes, modified: found.modified };
  }

  async function* pages(under: string, delimiter?: '/'): AsyncIterable<ListedPage> {
    let pageToken: string | undefined;
    do {
      const query = { prefix: prefix + under, maxResults: pageKeys, pageToken, ...(delimiter && { delimiter }) };
      const page = await connection.ask({ action: 'listed', key: under }, (calls, signal) => calls.list(query, signal));
      yield { objects: page.items, folders: page.prefixes };
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  return {
    ...bucketStore(bucketOfGcs),
    /** Unfinished uploads cannot be listed here; they cost nothing, and the server forgets them after a week. */
    sweep: async () => 0,
    features: (scratch) => findFeatures(connection, scratch),
  };
}

function endpointOf(given: string | undefined, universe = 'googleapis.com'): string {
  if (!given) return `https://storage.${universe}`;
  return (/^https?:\/\//.test(given) ? given : `http://${given}`).replace(/\/+$/, '');
}
