import { Transform } from 'node:stream';
import { headerBytes, magic, readHeader } from '../binlog/log-events.ts';

/** Bytes of a file; `end` undefined: up to its own. */
export interface Part {
  begin: number;
  end: number | undefined;
}

/**
 * Lets a part of a binary log pass, after the description that its events cannot be read without. `onBytes` hears how far
 * the whole file was read.
 */
export function partOf({ begin, end = Number.POSITIVE_INFINITY }: Part, onBytes: (bytes: number) => void): Transform {
  let head = Buffer.alloc(0);
  let headEnd: number | undefined;
  let at = 0;
  return new Transform({
    highWaterMark: 1024 * 1024,
    transform(chunk: Buffer, _encoding, done) {
      if (headEnd === undefined) {
        head = Buffer.concat([head, chunk.subarray(0, headLimit)]);
        if (head.length >= magic.length + headerBytes) {
          headEnd = magic.length + readHeader(head.subarray(magic.length)).length;
        }
      }
      const from = at;
      at += chunk.length;
      onBytes(at);
      // Nothing passes before the description's length is known; it comes within the first bytes.
      if (headEnd === undefined) {
        this.push(chunk);
        return done();
      }
      const kept = chunk.subarray(0, Math.max(0, Math.min(headEnd, end) - from));
      if (kept.length > 0) this.push(kept);
      const start = Math.max(begin, headEnd);
      const wanted = chunk.subarray(Math.max(0, start - from), Math.max(0, end - from));
      if (wanted.length > 0) this.push(wanted);
      done();
    },
  });
}

const headLimit = 64 * 1024;
