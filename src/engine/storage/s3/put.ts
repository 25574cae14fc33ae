import { randomUUID } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { SkybackupError } from '../../../contract/errors.ts';
import type { ObjectLock } from '../../../contract/storages.ts';
import { keyTaken, reasonOf } from '../failure.ts';
import type { S3Connection } from './connection.ts';
import { lockOf, md5Of } from './object-lock.ts';
import type { PartPlan } from './part-plan.ts';
import { cutParts, type Part } from './parts.ts';
import { type SentPart, sendParts } from './send-parts.ts';
import { discardOthers, discardUpload } from './unfinished.ts';

/** By this an object is known as one that a put made: answers get lost, and others may write the same key. */
const mark = 'skybackup-put';

/** A server that knows no `If-None-Match` refuses the request; this is remembered for the next. */
export interface Fence {
  whole: boolean;
  inParts: boolean;
}

interface Put {
  key: string;
  body: Readable;
  plan: PartPlan;
  signal: AbortSignal | undefined;
  fence: Fence;
  /** Uploads that run in this process. */
  active: Set<string>;
  objectLock: ObjectLock | undefined;
}

/** Stores a stream as one object, or nothing. */
export async function putObject(connection: S3Connection, put: Put): Promise<{ bytes: number }> {
  const { key, body, plan, signal } = put;
  const id = randomUUID();
  const stop = new AbortController();
  const cancel = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    signal?.throwIfAborted();
    if ((await connection.head({ action: 'written', key, signal })) !== undefined) throw keyTaken(key, connection.url);
    const parts = cutParts(addAbortSignal(stop.signal, body), plan);
    const first = await parts.next();
    if (first.done) throw new Error('a stream is at least one part');
    return first.value.last
      ? await putWhole(connection, put, id, first.value)
      : await putInParts(connection, put, id, joined(first.value, parts), stop);
  } catch (error) {
    if (signal?.aborted) throw new SkybackupError('cancelled', `Writing ${key} was cancelled.`, { cause: error });
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** What fits in one part goes in one request. */
async function putWhole(connection: S3Connection, put: Put, id: string, part: Part): Promise<{ bytes: number }> {
  const { key, signal, fence, objectLock } = put;
  const { bytes, sha256 } = part;
  await settled(connection, put, { id, bytes: bytes.length }, () =>
    fenced(fence, 'whole', (onlyIfAbsent) =>
      connection.ask({ action: 'written', key, signal }, (calls, stopped) =>
        calls.put(
          {
            Key: connection.nameOf(key),
            Body: bytes,
            ContentLength: bytes.length,
            Metadata: { [mark]: id },
            ...lockOf(objectLock),
            ...md5Of(bytes, objectLock),
            ...onlyIfAbsent,
          },
          sha256,
          stopped,
        ),
      ),
    ),
  );
  return { bytes: bytes.length };
}

async function putInParts(
  connection: S3Connection,
  put: Put,
  id: string,
  parts: AsyncIterable<Part>,
  stop: AbortController,
): Promise<{ bytes: number }> {
  const { key, signal, fence, active, plan, objectLock } = put;
  const name = connection.nameOf(key);
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Part> {
    for await (const part of parts) {
      if (part.number > plan.mostParts) throw tooManyParts(key, connection.url, bytes, plan);
      bytes += part.bytes.length;
      yield part;
    }
  };
  const complete = (Parts: SentPart[], UploadId: string): Promise<unknown> =>
    fenced(fence, 'inParts', (onlyIfAbsent) =>
      connection.ask({ action: 'written', key, signal }, (calls, stopped) =>
        calls.completeUpload({ Key: name, UploadId, MultipartUpload: { Parts }, ...onlyIfAbsent }, stopped),
      ),
    );
  let [begun, uploadId] = [0, ''];
  try {
    const upload = await connection.ask({ action: 'written', key, signal }, (calls, stopped) => {
      begun += 1;
      return calls.createUpload({ Key: name, Metadata: { [mark]: id }, ...lockOf(objectLock) }, stopped);
    });
    uploadId = upload.UploadId ?? '';
    active.add(uploadId);
    const sent = await sendParts(connection, { key, uploadId, objectLock }, counted(), stop);
    await settled(connection, put, { id, bytes }, () => complete(sent, uploadId));
    return { bytes };
  } catch (error) {
    // Should this fail too, the sweep finds it later.
    if (uploadId !== '') await discardUpload(connection, { name, uploadId }).catch(() => {});
    throw error;
  } finally {
    active.delete(uploadId);
    if (begun > 1 || uploadId === '') await discardOthers(connection, { name, uploadId }).catch(() => {});
  }
}

/** Asks the server to refuse where the key is taken, as long as it has not refused to be asked. */
async function fenced<T>(
  fence: Fence,
  kind: keyof Fence,
  send: (onlyIfAbsent: { IfNoneMatch?: '*' }) => Promise<T>,
): Promise<T> {
  if (!fence[kind]) return send({});
  try {
    return await send({ IfNoneMatch: '*' });
  } catch (error) {
    if (reasonOf(error) !== 'NotImplemented' && reasonOf(error) !== 'InvalidArgument') throw error;
    fence[kind] = false;
    return send({});
  }
}

/**
 * Sends what makes the object, then looks what lies there: that decides, whatever was answered. An answer that got lost
 * is no failure, and an object of another size or of another writer is no success.
 */
async function settled(
  connection: S3Connection,
  { key, signal }: Put,
  made: { id: string; bytes: number },
  send: () => Promise<unknown>,
): Promise<void> {
  const failure = await send().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const tries = failure === undefined ? connection.patience.tries : 3;
  const found = await connection.head({ action: 'read', key, tries }).catch((error) => {
    throw failure === undefined ? error : failure.error;
  });
  const own = found?.Metadata?.[mark] === made.id;
  if (own && found.ContentLength === made.bytes && !signal?.aborted) return;
  if (own) {
    await connection.ask({ action: 'deleted', key }, (calls, stopped) =>
      calls.remove({ Key: connection.nameOf(key) }, stopped),
    );
  }
  if (failure !== undefined && (own || found === undefined)) throw failure.error;
  if (found !== undefined && !own) throw keyTaken(key, connection.url);
  const there = found === undefined ? 'nothing' : `${found.ContentLength ?? 0} bytes`;
  throw new SkybackupError(
    'storage_failed',
    `${key} was written to ${connection.url} with ${made.bytes} bytes, and ${there} could be found there afterwards.`,
  );
}

async function* joined(first: Part, rest: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield first;
  yield* rest;
}

function tooManyParts(key: string, url: string, sent: number, { mostParts }: PartPlan): SkybackupError {
  return new SkybackupError(
    'storage_failed',
    `${key} in ${url} could not be written: after ${sent} bytes its ${mostParts} parts were used up.`,
    { hint: 'Use another type of storage for objects of this size.', retryable: false, details: { sent, mostParts } },
  );
}
