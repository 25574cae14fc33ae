import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { peek } from './head.ts';
import { recognise } from './recognise.ts';

const bytes = fc.uint8Array({ maxLength: 1500 }).map((array) => Buffer.from(array));
const chunks = fc.array(bytes, { maxLength: 12 });

test('whatever a head is, it is told without failing, and by nothing behind the place of the last mark', () => {
  fc.assert(
    fc.property(bytes, bytes, (head, more) => {
      const whole = Buffer.concat([head, Buffer.alloc(Math.max(0, 512 - head.length)), more]);
      expect(recognise(whole)).toEqual(recognise(whole.subarray(0, 512)));
    }),
  );
});

test('random bytes are next to never taken for contents', () => {
  const random = fc.uint8Array({ minLength: 512, maxLength: 512 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(random, (head) => {
      // A comment or a statement in 512 bytes without one control character.
      expect(recognise(head)?.kind).not.toBe('contents');
    }),
    { numRuns: 2000 },
  );
});

test('whatever is compressed is told as that', () => {
  fc.assert(
    fc.property(bytes, (plain) => {
      expect(recognise(gzipSync(plain))).toEqual({ kind: 'layer', name: 'gzip' });
      expect(recognise(zstdCompressSync(plain))).toEqual({ kind: 'layer', name: 'zstd' });
    }),
  );
});

test('a stream that was looked at is the stream that it was, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(chunks, fc.nat({ max: 4000 }), async (pieces, wanted) => {
      const whole = Buffer.concat(pieces);
      const { head, whole: again } = await peek(asyncOf(pieces), wanted);
      expect(head.equals(whole.subarray(0, head.length))).toBe(true);
      expect(head.length).toBeGreaterThanOrEqual(Math.min(wanted, whole.length));
      const read: Buffer[] = [];
      for await (const chunk of again) read.push(chunk);
      expect(Buffer.concat(read).equals(whole)).toBe(true);
    }),
  );
});

test.each([
  ['-- MariaDB dump 10.19', 'sql'],
  ['/*M!999999\\- enable the sandbox mode */ ', 'sql'],
  ['\ufeff\nCREATE TABLE t (id INT);', 'sql'],
  ['INSERT INTO `t` VALUES (1);', 'sql'],
  ['XBSTCK01\0P', 'xbstream'],
])('%s', (text, name) => {
  expect(recognise(Buffer.from(text))).toEqual({ kind: 'contents', name });
});

test.each(['', 'created by', 'hello', '\0\0\0\0', '{"a": 1}', '<html>'])('%j is none of it', (text) => {
  expect(recognise(Buffer.from(text))).toBeUndefined();
});

async function* asyncOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}
