import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../../contract/errors.ts';
import { waitMs } from '../retry.ts';
import type { GcsObject, Received } from './calls.ts';
import type { Chunk } from './chunks.ts';
import type { Asked, GcsConnection } from './connection.ts';
import { gcsFailure } from './failure.ts';
import { Refusal } from './refusal.ts';

/** A resumable upload: its chunks go one after the other, each until the server has it whole. */
export interface Upload {
  /** Resolves to the object once the last chunk made it one. */
  send(chunk: Chunk): Promise<GcsObject | undefined>;
  /** Whether the last bytes were sent: from then on there may be an object, whatever was answered. */
  readonly ending: boolean;
  /** Gives it up; what was sent of it is gone. */
  discard(): Promise<void>;
}

interface Begun {
  key: string;
  /** Marks the object as this upload's. */
  id: string;
  signal: AbortSignal;
}

/** Fails with the reason `conditionNotMet` where there is an object of that key. */
export async function beginUpload(connection: GcsConnection, { key, id, signal }: Begun): Promise<Upload> {
  const asked: Asked = { action: 'written', key, signal };
  const { patience, url } = connection;
  const name = connection.nameOf(key);
  const session = await connection.ask(asked, (calls, stopped) => calls.startUpload({ name, id }, stopped));
  /** Bytes that the server has said it has. */
  let confirmed = 0;
  let ending = false;

  /** What the server has of a chunk, by its answer to a piece of it or to the question; an object once that is whole. */
  function heed(received: Received, end: number): GcsObject | undefined {
    if (received.object !== undefined) return received.object;
    // It may have lost what it had confirmed, and the stream does not run backwards.
    if (received.bytes < confirmed || received.bytes > end) throw refused(new Refusal(410, 'SessionLost'));
    confirmed = received.bytes;
    return undefined;
  }

  const refused = (refusal: Refusal): unknown => gcsFailure(refusal, { ...asked, url });

  async function send({ bytes, last, crc }: Chunk): Promise<GcsObject | undefined> {
    const begin = confirmed;
    const end = begin + bytes.length;
    const total = last ? end : undefined;
    ending = last;
    for (let failed = 0; ; ) {
      const from = confirmed;
      const piece = { from, bytes: bytes.subarray(from - begin), total, crc };
      let object: GcsObject | undefined;
      try {
        const received = await connection.ask({ ...asked, tries: 1 }, (calls, stopped) =>
          calls.sendPiece(session, piece, stopped),
        );
        object = heed(received, end);
        if (object === undefined && confirmed === from) throw refused(new Refusal(503, 'NoProgress'));
      } catch (error) {
        failed += 1;
        const passing = error instanceof SkybackupError && error.retryable;
        if (signal.aborted || !passing || failed >= patience.tries) throw error;
        await delay(waitMs(patience, failed), undefined, { signal });
        const received = await connection.ask(asked, (calls, stopped) => calls.askReceived(session, total, stopped));
        object = heed(received, end);
      }
      if (object !== undefined || (!last && confirmed === end)) return object;
      if (confirmed > from) failed = 0;
    }
  }

  return {
    send,
    get ending() {
      return ending;
    },
    discard: () =>
      connection.ask({ action: 'deleted', key, tries: 3 }, (calls, stopped) => calls.cancelUpload(session, stopped)),
  };
}
