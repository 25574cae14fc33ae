import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanData, cleanText } from './clean-text.ts';

describe('cleanText', () => {
  it.each([
    ['orders', 'orders'],
    ['  orders\n\tof   today ', 'orders of today'],
    ['Bücher 注文 café 👍', 'Bücher 注文 café 👍'],
    ['a\u001b[31mb\u009b2Jc', 'a b 2Jc'],
    ['a\u001b]0;title\u0007b', 'a b'],
    ['a\u200b\u200d\ufeff\u202e\u2066b', 'ab'],
    [`a${String.fromCodePoint(0xe0041, 0xe0042)}b`, 'ab'],
    ['a\ud800b', 'ab'],
    ['a\u2028b\u2029c', 'a b c'],
    ['o\u0300\u0301\u0302\u0303k', 'o\u0300\u0301k'],
  ])('%j becomes %j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  it('cuts by letters, not in the middle of one, and shows that it did', () => {
    expect(cleanText('👍'.repeat(300), 10)).toBe(`${'👍'.repeat(9)}…`);
    expect(cleanText('x'.repeat(160))).toBe('x'.repeat(160));
    expect(Array.from(cleanText('x'.repeat(1_000_000)))).toHaveLength(160);
  });

  it('leaves one visible, bounded line of any text, and does not change it again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const clean = cleanText(text, 50);
        expect(clean).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
        expect(Array.from(clean).length).toBeLessThanOrEqual(50);
        expect(cleanText(clean, 50)).toBe(clean);
      }),
      { numRuns: 2000 },
    );
  });
});

it('cleanData cleans keys and values at every depth and leaves out what is undefined', () => {
  expect(cleanData({ 'a\u200b': ['b\u001b[1m', { c: 'd\n', e: undefined, f: 1, g: null }] }, 100)).toEqual({
    a: ['b', { c: 'd', f: 1, g: null }],
  });
});
