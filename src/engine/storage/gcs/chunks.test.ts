import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutChunks } from './chunks.ts';
import { crc32c } from './crc32c.ts';

async function* stream(pieces: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

test('however the stream comes, its chunks are its bytes, all of one size but the last, which is known as such', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 })), fc.boolean(), async (pieces, hold) => {
      const whole = Buffer.concat(pieces);
      const chunks: { bytes: Buffer; last: boolean }[] = [];
      let sent = 0;
      for await (const { bytes, last, crc, release } of cutChunks(stream(pieces), 16)) {
        sent += bytes.length;
        expect(crc).toBe(crc32c(whole.subarray(0, sent)));
        // Its memory is another chunk's once it is given back.
        chunks.push({ bytes: hold ? bytes : Buffer.from(bytes), last });
        if (!hold) release();
      }
      expect(Buffer.concat(chunks.map(({ bytes }) => bytes))).toEqual(whole);
      expect(chunks.map(({ last }) => last)).toEqual([...chunks.slice(1).map(() => false), true]);
      expect(chunks.slice(0, -1).every(({ bytes }) => bytes.length === 16)).toBe(true);
      expect(chunks.slice(1).every(({ bytes }) => bytes.length > 0)).toBe(true);
    }),
  );
});

test('memory that was given back is used again', async () => {
  const seen = new Set<ArrayBufferLike>();
  for await (const chunk of cutChunks(stream(Array.from({ length: 20 }, () => new Uint8Array(100))), 16)) {
    seen.add(chunk.bytes.buffer);
    chunk.release();
  }
  expect(seen.size).toBeLessThanOrEqual(2);
});
