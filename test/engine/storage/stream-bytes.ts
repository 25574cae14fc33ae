import { createCipheriv, createHash } from 'node:crypto';
import { Readable } from 'node:stream';

const chunkBytes = 256 * 1024;
const zeros = Buffer.alloc(chunkBytes);

/** The same bytes each time, no two blocks of them alike. `onBytes` is told how many went, and may make it wait. */
export function streamOf(bytes: number, onBytes: (sent: number) => Promise<void> | void = () => {}): Readable {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  return Readable.from(
    (async function* () {
      for (let sent = 0; sent < bytes; sent += chunkBytes) {
        yield cipher.update(zeros.subarray(0, Math.min(chunkBytes, bytes - sent)));
        await onBytes(Math.min(bytes, sent + chunkBytes));
      }
    })(),
    { objectMode: false },
  );
}

/** SHA-256 of a stream, and how long it was. */
export async function digestOf(stream: Readable): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** The same stream; once more than `bytes` of it went by, `reached` is called, once, and waited for. */
export function watched(stream: Readable, bytes: number, reached: () => Promise<void>): Readable {
  return Readable.from(
    (async function* () {
      let read = 0;
      let called = false;
      for await (const chunk of stream) {
        read += chunk.length;
        if (read > bytes && !called) {
          called = true;
          await reached();
        }
        yield chunk;
      }
    })(),
  );
}
