import { Readable } from 'node:stream';
import type { S3Credentials } from '../../../contract/credentials.ts';
import { SkybackupError } from '../../../contract/errors.ts';
import { registerSecret } from '../../../contract/redact.ts';
import type { ObjectLock } from '../../../contract/storages.ts';
import { parseBucketUrl } from '../bucket-location.ts';
import { keyTaken } from '../failure.ts';
import { checkKey, isKey } from '../object-key.ts';
import type { ObjectStat, ObjectStore } from '../object-store.ts';
import { type Patience, patient } from '../retry.ts';
import { connectBucket } from './connection.ts';
import { findFeatures } from './features.ts';
import { hasObjectLock } from './object-lock.ts';
import { type PartPlan, partPlan } from './part-plan.ts';
import { type Fence, putObject } from './put.ts';
import { readObject } from './read.ts';
import { sweepUploads } from './unfinished.ts';

export interface S3Options {
  /** Without them: what the SDK finds in the environment, in its files, or as the machine's own role. */
  credentials?: Omit<S3Credentials, 'kind'> | undefined;
  plan?: PartPlan;
  patience?: Patience;
  /** What is put is kept so long, whoever deletes it. */
  objectLock?: ObjectLock | undefined;
  connectMs?: number;
  stallMs?: number;
  /** Keys of one answer to a listing; servers give at most 1,000. */
  pageKeys?: number;
}

/** A bucket of S3, or of what speaks like it, as object store: `s3://bucket/prefix`. Nothing is asked before it is used. */
export function s3Store(url: string, options: S3Options = {}): ObjectStore {
  const {
    credentials,
    plan = partPlan,
    patience = patient,
    objectLock,
    connectMs = 10_000,
    stallMs = 60_000,
  } = options;
  registerSecret(credentials?.secret_access_key);
  registerSecret(credentials?.session_token);
  const { bucket, prefix } = parseBucketUrl(url, 's3');
  const connection = connectBucket({ bucket, prefix, credentials, connectMs, stallMs }, patience);
  const fence: Fence = { whole: true, inParts: true };
  const active = new Set<string>();
  /** Keys that are being written: of two puts here the second is refused, whatever the server would do. */
  const writing = new Set<string>();

  async function put(
    key: string,
    body: Readable | Buffer,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ bytes: number }> {
    const source = Buffer.isBuffer(body) ? Readable.from([body]) : body;
    // A body may fail before its first byte is asked for; reading it then gives that error.
    source.on('error', () => {});
    let claimed = false;
    try {
      checkKey(key);
      if (writing.has(key)) throw keyTaken(key, connection.url);
      writing.add(key);
      claimed = true;
      return await putObject(connection, { key, body: source, plan, signal, fence, active, objectLock });
    } catch (error) {
      source.destroy();
      throw error;
    } finally {
      if (claimed) writing.delete(key);
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
    const found = await connection.head({ action: 'read', key });
    if (found === undefined) return undefined;
    const {
      ContentLength: bytes = 0,
      LastModified: modified = new Date(0),
      ObjectLockRetainUntilDate: keptUntil,
    } = found;
    return { key, bytes, modified, ...(keptUntil === undefined ? {} : { keptUntil }) };
  }

  async function* list(under: string): AsyncIterable<ObjectStat> {
    if (under.includes('/')) checkKey(under.slice(0, under.lastIndexOf('/')));
    for await (const { Contents = [] } of pages(under)) {
      for (const { Key, Size = 0, LastModified = new Date(0) } of Contents) {
        const key = Key?.slice(prefix.length) ?? '';
        // Consoles leave objects that stand for folders, and others may write what is no key of ours.
        if (isKey(key)) yield { key, bytes: Size, modified: LastModified };
      }
    }
  }

  async function folders(under: string): Promise<string[]> {
    checkKey(under);
    const names: string[] = [];
    for await (const { CommonPrefixes = [] } of pages(`${under}/`, { Delimiter: '/' })) {
      for (const { Prefix = '' } of CommonPrefixes) names.push(Prefix.slice(prefix.length + under.length + 1, -1));
    }
    return names.filter(isKey).sort();
  }

  async function* pages(under: string, more: { Delimiter?: string } = {}) {
    let marker: { ContinuationToken?: string } = {};
    for (;;) {
      const request = { Prefix: prefix + under, MaxKeys: options.pageKeys, ...more, ...marker };
      const page = await connection.ask({ action: 'listed', key: under }, (calls, signal) =>
        calls.list(request, signal),
      );
      yield page;
      if (!page.IsTruncated || page.NextContinuationToken === undefined) return;
      marker = { ContinuationToken: page.NextContinuationToken };
    }
  }

  async function remove(key: string): Promise<void> {
    checkKey(key);
    const name = connection.nameOf(key);
    try {
      await connection.ask({ action: 'deleted', key }, (calls, signal) => calls.remove({ Key: name }, signal));
    } catch (error) {
      if (!(error instanceof SkybackupError) || error.code !== 'not_found') throw error;
    }
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
    sweep: (olderThanMs, under = '') => sweepUploads(connection, prefix + under, { olderThanMs, active }),
    locksObjects: () => hasObjectLock(connection),
    features: (scratch) => findFeatures(connection, scratch),
  };
}
