import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../../contract/errors.ts';
import { waitMs } from '../retry.ts';
import type { S3Connection } from './connection.ts';
import { isPassing, reasonOf, s3Failure } from './failure.ts';

interface Asked {
  key: string;
  start?: number | undefined;
  /** Inclusive. */
  end?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** An object's bytes. A connection that breaks or stalls is replaced by another that goes on where it ended. */
export async function readObject(connection: S3Connection, asked: Asked): Promise<Readable> {
  const { key, start = 0, end, signal } = asked;
  const { patience, url } = connection;

  const open = async (from: number, to: number | undefined, more: { tries?: number; etag?: string | undefined }) => {
    const { tries, etag } = more;
    const range: { Range?: string } = from === 0 && to === undefined ? {} : { Range: `bytes=${from}-${to ?? ''}` };
    const answer = await connection.ask(
      { action: 'read', key, signal, ...(tries === undefined ? {} : { tries }) },
      (calls, stopped) =>
        calls.get({ Key: connection.nameOf(key), ...range, ...(etag === undefined ? {} : { IfMatch: etag }) }, stopped),
    );
    if (!(answer.Body instanceof Readable)) throw new Error('a body is a stream');
    // It may break before it is read from; reading it then gives that error.
    answer.Body.on('error', () => {});
    if (range.Range !== undefined && !answer.ContentRange?.startsWith(`bytes ${from}-`)) {
      answer.Body.destroy();
      throw new SkybackupError('storage_failed', `${url} gave another part of ${key} than it was asked for.`, {
        hint: 'Use a storage, or a proxy before it, that heeds the Range of a request.',
        retryable: false,
      });
    }
    return { body: answer.Body, bytes: answer.ContentLength ?? 0, etag: answer.ETag };
  };

  const first = await open(start, end, {}).catch((error: unknown) => {
    if (reasonOf(error) === 'InvalidRange') return undefined;
    throw error;
  });
  if (first === undefined) return Readable.from([]);

  let source = first.body;
  const bytes = async function* (): AsyncGenerator<Buffer> {
    let [got, failed] = [0, 0];
    for (;;) {
      try {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          got += chunk.length;
          failed = 0;
          yield chunk;
        }
        if (got === first.bytes) return;
        throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
      } catch (error) {
        failed += 1;
        if (stream.destroyed || failed >= patience.tries || !isPassing(error)) {
          throw s3Failure(error, { url, action: 'read', key, signal });
        }
        await delay(waitMs(patience, failed), undefined, signal === undefined ? {} : { signal });
      } finally {
        source.destroy();
      }
      const to = start + first.bytes - 1;
      source = (await open(start + got, to, { tries: patience.tries, etag: first.etag })).body;
    }
  };
  const stream = Readable.from(bytes(), { objectMode: false, highWaterMark: 256 * 1024 });
  const cancel = (): void => {
    stream.destroy(new SkybackupError('cancelled', `Reading ${key} was cancelled.`));
  };
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  stream.once('close', () => {
    signal?.removeEventListener('abort', cancel);
    // Whoever reads no further, or never began, needs no connection.
    source.destroy();
  });
  return stream;
}
