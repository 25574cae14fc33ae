import type { S3Credentials } from '../../../contract/credentials.ts';
import { registerSecret } from '../../../contract/redact.ts';
import type { ObjectLock } from '../../../contract/storages.ts';
import { parseBucketUrl } from '../bucket-location.ts';
import { type Bucket, bucketStore, type ListedPage, type PutRequest } from '../bucket-store.ts';
import { keyTaken } from '../failure.ts';
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

  async function put({ key, body, signal }: PutRequest): Promise<{ bytes: number }> {
    if (writing.has(key)) throw keyTaken(key, connection.url);
    writing.add(key);
    try {
      return await putObject(connection, { key, body, plan, signal, fence, active, objectLock });
    } finally {
      writing.delete(key);
    }
  }

  async function stat(key: string): Promise<ObjectStat | undefined> {
    const found = await connection.head({ action: 'read', key });
    if (found === undefined) return undefined;
    const {
      ContentLength: bytes = 0,
      LastModified: modified = new Date(0),
      ObjectLockRetainUntilDate: keptUntil,
    } = found;
    return { key, bytes, modified, ...(keptUntil === undefined ? {} : { keptUntil }) };
  }

  async function* pages(under: string, delimiter?: '/'): AsyncIterable<ListedPage> {
    let token: string | undefined;
    do {
      const request = {
        Prefix: prefix + under,
        MaxKeys: options.pageKeys,
        Delimiter: delimiter,
        ContinuationToken: token,
      };
      const page = await connection.ask({ action: 'listed', key: under }, (calls, signal) =>
        calls.list(request, signal),
      );
      const { Contents = [], CommonPrefixes = [] } = page;
      yield {
        objects: Contents.map(({ Key = '', Size = 0, LastModified = new Date(0) }) => ({
          name: Key,
          bytes: Size,
          modified: LastModified,
        })),
        folders: CommonPrefixes.map(({ Prefix = '' }) => Prefix),
      };
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  const bucketOfS3: Bucket = {
    url: connection.url,
    prefix,
    put,
    read: (request) => readObject(connection, request),
    stat,
    pages,
    remove: (key) =>
      connection.ask({ action: 'deleted', key }, (calls, signal) =>
        calls.remove({ Key: connection.nameOf(key) }, signal),
      ),
  };
  return {
    ...bucketStore(bucketOfS3),
    sweep: (olderThanMs, under = '') => sweepUploads(connection, prefix + under, { olderThanMs, active }),
    locksObjects: () => hasObjectLock(connection),
    features: (scratch) => findFeatures(connection, scratch),
  };
}
