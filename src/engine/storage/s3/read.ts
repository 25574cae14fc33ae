import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../../contract/errors.ts';
import { type Patience, waitMs } from '../retry.ts';
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
export async function readObject(connection: S3Connection, patience: Patience, asked: Asked): Promise<Readable> {
  const { key, start = 0, end, signal } = asked;
  const open = async (from: number, to: number | undefined, etag?: string) => {
    const range = from === 0 && to === undefined ? {} : { Range: `bytes=${from}-${to ?? ''}` };
    const answer = await connection.ask({ action: 'read', key, signal }, (calls, stopped) =>
      calls.get({ Key: connection.nameOf(key), ...range, ...(etag === undefined ? {} : { IfMatch: etag }) }, stopped),
    );
    if (!(answer.Body instanceof Readable)) throw new Error('a body is a stream');
    // It may break before it is read from; reading it then gives that error.
    answer.Body.on('error', () => {});
    return { body: answer.Body, bytes: answer.ContentLength ?? 0, etag: answer.ETag };
  };

  const first = await open(start, end).catch((error: unknown) => {
    if (reasonOf(error) === 'InvalidRange') return undefined;
    throw error;
  });
  if (first === undefined) return Readable.from([]);

  const bytes = async function* (): AsyncGenerator<Buffer> {
    let [source, got, failed] = [first.body, 0, 0];
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
        const failure = s3Failure(error, { url: connection.url, action: 'read', key, signal });
        if (signal?.aborted || failed >= patience.tries || !isPassing(error)) throw failure;
        await delay(waitMs(patience, failed), undefined, signal === undefined ? {} : { signal });
      } finally {
        source.destroy();
      }
      source = (await open(start + got, start + first.bytes - 1, first.etag)).body;
    }
  };
  const stream = Readable.from(bytes(), { objectMode: false, highWaterMark: 256 * 1024 });
  // Nobody may ever read from it: then its connection is closed all the same.
  stream.once('close', () => first.body.destroy());
  const cancel = (): void => {
    stream.destroy(new SkybackupError('cancelled', `Reading ${key} was cancelled.`));
  };
  signal?.addEventListener('abort', cancel, { once: true });
  stream.once('close', () => signal?.removeEventListener('abort', cancel));
  return stream;
}
