import fc from 'fast-check';
import { expect, test } from 'vitest';
import { containsGtids, formatGtids, highestGtids, parseGtids, sameGtids } from './gtid.ts';

const gtid = fc.record({
  domain: fc.integer({ min: 0, max: 3 }),
  server: fc.integer({ min: 1, max: 3 }),
  sequence: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});
const list = fc.array(gtid, { maxLength: 12 }).map(formatGtids);

test('a list read and written is the same list', () => {
  fc.assert(fc.property(list, (text) => formatGtids(parseGtids(text)) === text));
});

test('what is no GTID is refused, not skipped', () => {
  for (const bad of ['0-1', '0-1-x', '0-1-2 0-1-3', '-1-1-1', '0-1-123456789012345678901']) {
    expect(() => parseGtids(bad)).toThrow('not a GTID');
  }
  expect(parseGtids('')).toEqual([]);
});

test('the highest of several lists contains every one of them, and has each domain and server once', () => {
  fc.assert(
    fc.property(list, list, (one, other) => {
      const highest = highestGtids(one, other);
      expect(containsGtids(highest, one)).toBe(true);
      expect(containsGtids(highest, other)).toBe(true);
      const keys = parseGtids(highest).map((g) => `${g.domain}-${g.server}`);
      expect(new Set(keys).size).toBe(keys.length);
    }),
  );
});

test('within a domain the highest sequence comes last', () => {
  expect(highestGtids('0-77-500,0-3-20', '1-4-9', '0-77-100')).toBe('0-3-20,0-77-500,1-4-9');
});

test('order does not matter when lists are compared', () => {
  expect(sameGtids('0-1-5,1-2-3', '1-2-3, 0-1-5')).toBe(true);
  expect(sameGtids('0-1-5', '0-1-6')).toBe(false);
  expect(sameGtids('', '')).toBe(true);
});
