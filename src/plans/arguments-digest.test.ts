import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson, digestOf } from './arguments-digest.ts';

it('does not depend on the order in which an object was built, at any depth', () => {
  expect(digestOf({ a: 1, b: { c: [1, { x: 1, y: 2 }], d: 'e' } })).toBe(
    digestOf({ b: { d: 'e', c: [1, { y: 2, x: 1 }] }, a: 1 }),
  );
});

it('treats an undefined member as absent and keeps null, order of lists and kinds apart', () => {
  expect(digestOf({ a: 1, b: undefined })).toBe(digestOf({ a: 1 }));
  const different = [{ a: null }, {}, { a: 1 }, { a: '1' }, { a: [1, 2] }, { a: [2, 1] }, { a: [] }, { a: false }];
  expect(new Set(different.map((value) => digestOf(value))).size).toBe(different.length);
});

it('refuses what JSON would silently change', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 10n, () => 1]) {
    expect(() => canonicalJson({ value })).toThrow(TypeError);
  }
});

it('is JSON that reads back as the same value, and equal exactly for equal values', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const plain = JSON.parse(JSON.stringify(a));
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      expect(canonicalJson(plain) === canonicalJson(JSON.parse(JSON.stringify(b)))).toBe(
        canonicalJson(plain) === canonicalJson(b === null ? null : JSON.parse(JSON.stringify(b))),
      );
      expect(canonicalJson(JSON.parse(canonicalJson(plain)))).toBe(canonicalJson(plain));
    }),
  );
});
