import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutParts } from './parts.ts';

const plan = { firstBytes: 10, doubleAfter: 3, largestBytes: 40, mostParts: 100 };

async function* chunks(pieces: readonly Uint8Array[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

test('however the stream comes, its parts are its bytes, each with its hash, and only the last is the last', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 })), fc.boolean(), async (pieces, hold) => {
      const parts: { bytes: Buffer; last: boolean; release: () => void }[] = [];
      for await (const { number, bytes, sha256, last, release } of cutParts(chunks(pieces), plan)) {
        expect(number).toBe(parts.length + 1);
        expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
        // Its memory is another part's once it is given back.
        parts.push({ bytes: hold ? bytes : Buffer.from(bytes), last, release });
        if (!hold) release();
      }
      expect(Buffer.concat(parts.map(({ bytes }) => bytes))).toEqual(Buffer.concat(pieces));
      expect(parts.map(({ last }) => last)).toEqual([...parts.slice(1).map(() => false), true]);
      expect(parts.slice(1).every(({ bytes }) => bytes.length > 0)).toBe(true);
    }),
  );
});

test('memory that was given back is used again', async () => {
  const seen = new Set<ArrayBufferLike>();
  const body = chunks(Array.from({ length: 20 }, () => new Uint8Array(100)));
  for await (const part of cutParts(body, { ...plan, largestBytes: 10 })) {
    seen.add(part.bytes.buffer);
    part.release();
  }
  expect(seen.size).toBeLessThanOrEqual(2);
});
