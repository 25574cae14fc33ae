import { SkybackupError } from '../../../contract/errors.ts';
import type { FailureFacts } from '../failure.ts';
import { brief, type Patience, retrying } from '../retry.ts';
import { isPassing, s3Failure } from './failure.ts';
import type { S3Access, S3Calls } from './sdk.ts';

export interface Asked extends Pick<FailureFacts, 'action' | 'key' | 'signal'> {
  /** By default all that patience allows for writing, which cannot be begun again, and fewer for the rest. */
  tries?: number;
}

/** Requests to one bucket: each is repeated while that may mend it, and fails as our own error. */
export interface S3Connection {
  /** For people: `s3://bucket/prefix`. */
  readonly url: string;
  readonly patience: Patience;
  /** Of an object in the bucket. */
  nameOf(key: string): string;
  ask<T>(asked: Asked, request: (calls: S3Calls, signal: AbortSignal | undefined) => Promise<T>): Promise<T>;
  /** Size, time and metadata of an object; undefined when it is not there. Throws when the bucket is not. */
  head(asked: Asked): Promise<Head | undefined>;
}
type Head = Awaited<ReturnType<S3Calls['head']>>;

export function connectBucket(access: S3Access & { prefix: string }, patience: Patience): S3Connection {
  const url = `s3://${access.bucket}/${access.prefix}`.replace(/\/$/, '');
  const nameOf = (key: string): string => access.prefix + key;
  let loading: Promise<S3Calls> | undefined;
  let bucketIsThere = false;

  const ask: S3Connection['ask'] = async ({ action, key, signal, tries }, request) => {
    const usual = action === 'written' ? patience.tries : Math.min(patience.tries, brief.tries);
    try {
      loading ??= import('./sdk.ts').then(({ s3Calls }) => s3Calls(access));
      const calls = await loading;
      return await retrying({ ...patience, tries: tries ?? usual }, () => request(calls, signal), {
        mendable: isPassing,
        signal,
      });
    } catch (error) {
      throw s3Failure(error, { url, action, key, signal });
    }
  };

  /** An answer to HEAD has no body to say why it refuses, or what is missing; that to a listing has. */
  const head: S3Connection['head'] = async (asked) => {
    try {
      const found = await ask(asked, (calls, signal) => calls.head({ Key: nameOf(asked.key) }, signal));
      bucketIsThere = true;
      return found;
    } catch (error) {
      if (!(error instanceof SkybackupError)) throw error;
      const absent = error.code === 'not_found';
      if (absent && bucketIsThere) return undefined;
      const status = Number(error.details.status);
      if (!absent && !(status >= 300 && status < 500)) throw error;
      await ask(asked, (calls, signal) => calls.list({ Prefix: nameOf(asked.key), MaxKeys: 1 }, signal));
      if (!absent) throw error;
      bucketIsThere = true;
      return undefined;
    }
  };

  return { url, patience, nameOf, ask, head };
}
