import { randomUUID } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { SkybackupError } from '../../../contract/errors.ts';
import { keyTaken, reasonOf } from '../failure.ts';
import type { GcsObject } from './calls.ts';
import { type Chunk, cutChunks } from './chunks.ts';
import type { GcsConnection } from './connection.ts';
import { crcText } from './crc32c.ts';
import { beginUpload, type Upload } from './upload.ts';

interface Put {
  key: string;
  body: Readable;
  /** A multiple of 256 KiB; two are held in memory. */
  chunkBytes: number;
  signal: AbortSignal | undefined;
}

/** What was sent: by this the object that came of it is judged. */
interface Sent {
  id: string;
  bytes: number;
  crc: number;
}

/** Stores a stream as one object, or nothing. That there is none of its key is seen to by the server, at both ends of an upload. */
export async function putObject(connection: GcsConnection, put: Put): Promise<{ bytes: number }> {
  const { key, body, chunkBytes, signal } = put;
  const sent: Sent = { id: randomUUID(), bytes: 0, crc: 0 };
  const stop = new AbortController();
  const cancel = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', cancel, { once: true });
  let upload: Upload | undefined;
  try {
    signal?.throwIfAborted();
    upload = await beginUpload(connection, { key, id: sent.id, signal: stop.signal });
    const made = await sendChunks(upload, cutChunks(addAbortSignal(stop.signal, body), chunkBytes), { sent, stop });
    signal?.throwIfAborted();
    if (!isWhole(made, sent)) throw damaged(key, connection.url, sent, made);
  } catch (error) {
    const rescued = await settle(connection, upload, { key, sent, keep: !signal?.aborted });
    if (signal?.aborted) throw new SkybackupError('cancelled', `Writing ${key} was cancelled.`, { cause: error });
    if (rescued === 'kept') return { bytes: sent.bytes };
    if (rescued === 'taken' || reasonOf(error) === 'conditionNotMet') throw keyTaken(key, connection.url);
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
  return { bytes: sent.bytes };
}

/** Each chunk goes while the next is gathered. The first failure, of the body or of a chunk, ends both and is thrown. */
async function sendChunks(
  upload: Upload,
  chunks: AsyncIterable<Chunk>,
  { sent, stop }: { sent: Sent; stop: AbortController },
): Promise<GcsObject | undefined> {
  let failure: { error: unknown } | undefined;
  const fail = (error: unknown): undefined => {
    failure ??= { error };
    stop.abort(error);
  };
  let sending: Promise<GcsObject | undefined> = Promise.resolve(undefined);
  try {
    for await (const chunk of chunks) {
      await sending;
      if (failure !== undefined) break;
      sent.bytes += chunk.bytes.length;
      sent.crc = chunk.crc;
      sending = upload.send(chunk).catch(fail).finally(chunk.release);
    }
  } catch (error) {
    fail(error);
  }
  const made = await sending;
  if (failure !== undefined) throw failure.error;
  return made;
}

/**
 * After a failure: gives the upload up, and looks whether it became an object all the same, as when the last answers got
 * lost. One that is whole is kept, unless the put was cancelled; else it is removed, by its generation and so no other.
 */
async function settle(
  connection: GcsConnection,
  upload: Upload | undefined,
  { key, sent, keep }: { key: string; sent: Sent; keep: boolean },
): Promise<'kept' | 'taken' | 'nothing'> {
  // Should this fail, what was sent disappears by itself after a week.
  await upload?.discard().catch(() => {});
  if (!upload?.ending) return 'nothing';
  const name = connection.nameOf(key);
  const found = await connection
    .ask({ action: 'read', key, tries: 3 }, (calls, stopped) => calls.stat(name, stopped))
    .catch(() => undefined);
  if (found === undefined) return 'nothing';
  if (found.id !== sent.id) return 'taken';
  if (keep && isWhole(found, sent)) return 'kept';
  const { generation } = found;
  await connection.ask({ action: 'deleted', key }, (calls, stopped) => calls.remove({ name, generation }, stopped));
  return 'nothing';
}

function isWhole(object: GcsObject | undefined, { id, bytes, crc }: Sent): boolean {
  return object?.id === id && object.bytes === bytes && object.crc32c === crcText(crc);
}

function damaged(key: string, url: string, sent: Sent, made: GcsObject | undefined): SkybackupError {
  return new SkybackupError(
    'storage_failed',
    `${key} was written to ${url}, but is not there as it was sent: ${sent.bytes} bytes with the checksum ${crcText(sent.crc)} were sent, and ${made?.bytes ?? 0} with ${made?.crc32c ?? 'none'} are there.`,
    { hint: 'Try again. Should it happen again, look at the memory and the network of this machine.' },
  );
}
