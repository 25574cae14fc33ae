import type { FailureFacts } from '../failure.ts';
import { brief, type Patience, retrying } from '../retry.ts';
import type { GcsAccess, GcsCalls } from './calls.ts';
import { gcsFailure, isAbsent, isPassing } from './failure.ts';
import { Refusal } from './refusal.ts';

export interface Asked extends Pick<FailureFacts, 'action' | 'key' | 'signal'> {
  /** By default all that patience allows for writing, which cannot be begun again, and fewer for the rest. */
  tries?: number;
}

/** Requests to one bucket: each is repeated while that may mend it, and fails as our own error. */
export interface GcsConnection {
  /** For people: `gs://bucket/prefix`. */
  readonly url: string;
  readonly patience: Patience;
  /** Of an object in the bucket. */
  nameOf(key: string): string;
  ask<T>(asked: Asked, request: (calls: GcsCalls, signal: AbortSignal | undefined) => Promise<T>): Promise<T>;
}

export function connectBucket(access: GcsAccess & { prefix: string }, patience: Patience): GcsConnection {
  const url = `gs://${access.bucket}/${access.prefix}`.replace(/\/$/, '');
  let loading: Promise<GcsCalls> | undefined;
  let bucketIsThere = false;

  const ask: GcsConnection['ask'] = async ({ action, key, signal, tries }, request) => {
    const usual = action === 'written' ? patience.tries : Math.min(patience.tries, brief.tries);
    try {
      loading ??= import('./calls.ts').then(({ gcsCalls }) => gcsCalls(access));
      const calls = await loading;
      const repeat = <T>(run: () => Promise<T>) =>
        retrying({ ...patience, tries: tries ?? usual }, run, { mendable: isPassing, signal });
      try {
        return await repeat(() => request(calls, signal));
      } catch (error) {
        if (!isAbsent(error) || bucketIsThere) throw error;
        // An object and its bucket are missed by the same word; a listing misses only the bucket.
        await repeat(() => calls.list({ prefix: access.prefix, maxResults: 1 }, signal)).catch((failure: unknown) => {
          throw isAbsent(failure) ? new Refusal(404, 'NoSuchBucket') : failure;
        });
        bucketIsThere = true;
        throw error;
      }
    } catch (error) {
      throw gcsFailure(error, { url, action, key, signal });
    }
  };

  return { url, patience, nameOf: (key) => access.prefix + key, ask };
}
