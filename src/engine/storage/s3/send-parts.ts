import type { ObjectLock } from '../../../contract/storages.ts';
import type { S3Connection } from './connection.ts';
import { md5Of } from './object-lock.ts';
import type { Part } from './parts.ts';

export interface SentPart {
  PartNumber: number;
  ETag: string;
}

/** Parts on their way while the next is gathered: fewer when they are large, for all are held in memory. */
const mostInFlight = 4;
const bytesInFlight = 64 * 1024 * 1024;

/**
 * Sends the parts of an upload, several at a time, and each again until the server has it. The first failure stops the
 * others and is thrown once all have ended, so that none arrives after the upload was given up.
 */
export async function sendParts(
  connection: S3Connection,
  { key, uploadId, objectLock }: { key: string; uploadId: string; objectLock?: ObjectLock | undefined },
  parts: AsyncIterable<Part>,
  stop: AbortController,
): Promise<SentPart[]> {
  const sent: SentPart[] = [];
  const inFlight = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;

  const send = async ({ number, bytes, sha256, release }: Part): Promise<void> => {
    try {
      const md5 = md5Of(bytes, objectLock);
      const { ETag } = await connection.ask({ action: 'written', key, signal: stop.signal }, (calls, signal) =>
        calls.uploadPart(
          {
            Key: connection.nameOf(key),
            UploadId: uploadId,
            PartNumber: number,
            Body: bytes,
            ContentLength: bytes.length,
            ...md5,
          },
          sha256,
          signal,
        ),
      );
      sent.push({ PartNumber: number, ETag: ETag ?? '' });
    } catch (error) {
      failure ??= { error };
      stop.abort(error);
    } finally {
      release();
    }
  };

  try {
    for await (const part of parts) {
      const most = Math.max(1, Math.min(mostInFlight, Math.floor(bytesInFlight / part.bytes.length)));
      const sending = send(part).finally(() => inFlight.delete(sending));
      inFlight.add(sending);
      while (inFlight.size > most) await Promise.race(inFlight);
      if (failure !== undefined) break;
    }
  } catch (error) {
    failure ??= { error };
    stop.abort(error);
  }
  await Promise.all(inFlight);
  if (failure !== undefined) throw failure.error;
  return sent.sort((a, b) => a.PartNumber - b.PartNumber);
}
