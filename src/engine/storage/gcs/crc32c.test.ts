import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crcText } from './crc32c.ts';

// RFC 3720, appendix B.4, and the check value of the algorithm.
test.each([
  ['123456789', Buffer.from('123456789'), 0xe3069283],
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 times 0xff', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['nothing', Buffer.alloc(0), 0],
])('the CRC32C of %s is the published one', (_, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc);
});

test('however bytes are cut, it is that of the whole, and as the polynomial says bit by bit', () => {
  const plain = (bytes: Uint8Array): number => {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    return ~crc >>> 0;
  };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
      const whole = Buffer.concat(pieces);
      expect(pieces.reduce((crc, piece) => crc32c(piece, crc), 0)).toBe(plain(whole));
      expect(crc32c(whole)).toBe(plain(whole));
    }),
  );
});

test('it is written as the API has it', () => {
  // Of an object that holds "hello world", as the API's documentation shows it.
  expect(crcText(crc32c(Buffer.from('hello world')))).toBe('yZRlqg==');
});
