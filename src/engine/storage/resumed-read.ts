import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { type Patience, waitMs } from './retry.ts';

/** One answer of a storage that sends an object, or a part of it. */
export interface Sending {
  body: Readable;
  bytes: number;
  /** The storage's `Content-Range`: where in the object they lie. */
  range: string | undefined;
  /** By this the storage tells whether the object is still the same. */
  version: string | undefined;
}

interface Source {
  url: string;
  key: string;
  start?: number | undefined;
  /** Inclusive. */
  end?: number | undefined;
  signal?: AbortSignal | undefined;
  patience: Patience;
  /**
   * Asks for the bytes: of no other object, and with all patience, once some of it were read. Undefined where the object
   * has none so far behind.
   */
  open(range: string | undefined, again: { version: string | undefined } | undefined): Promise<Sending | undefined>;
  isPassing(error: unknown): boolean;
  /** What broke a connection, as our own error. */
  failureOf(error: unknown): unknown;
}

/** An object's bytes. A connection that breaks or stalls is replaced by another that goes on where it ended. */
export async function resumedRead(source: Source): Promise<Readable> {
  const { url, key, start = 0, end, signal, patience } = source;

  const open = async (from: number, to: number | undefined, again?: { version: string | undefined }) => {
    const range = from === 0 && to === undefined ? undefined : `bytes=${from}-${to ?? ''}`;
    const sending = await source.open(range, again);
    // It may break before it is read from; reading it then gives that error.
    sending?.body.on('error', () => {});
    if (sending !== undefined && range !== undefined && !sending.range?.startsWith(`bytes ${from}-`)) {
      sending.body.destroy();
      throw new SkybackupError('storage_failed', `${url} gave another part of ${key} than it was asked for.`, {
        hint: 'Use a storage, or a proxy before it, that heeds the Range of a request.',
        retryable: false,
      });
    }
    return sending;
  };

  const first = await open(start, end);
  if (first === undefined) return Readable.from([]);

  let body = first.body;
  const bytes = async function* (): AsyncGenerator<Buffer> {
    let [got, failed] = [0, 0];
    for (;;) {
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          got += chunk.length;
          failed = 0;
          yield chunk;
        }
        if (got === first.bytes) return;
        throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
      } catch (error) {
        failed += 1;
        if (stream.destroyed || failed >= patience.tries || !source.isPassing(error)) throw source.failureOf(error);
        await delay(waitMs(patience, failed), undefined, signal === undefined ? {} : { signal });
      } finally {
        body.destroy();
      }
      const next = await open(start + got, start + first.bytes - 1, { version: first.version });
      if (next === undefined) throw new Error('what was there is there');
      body = next.body;
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
    body.destroy();
  });
  return stream;
}
