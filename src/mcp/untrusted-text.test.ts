import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { registerSecret } from '../contract/redact.ts';
import { outwardText } from './outward.ts';
import { quoteText, unquoteText } from './untrusted-text.ts';

describe('quoteText', () => {
  it('leaves plain words and marks everything else', () => {
    expect(quoteText('orders-2.eu_west')).toBe('orders-2.eu_west');
    expect(quoteText('all orders')).toBe('«all orders»');
    expect(quoteText('')).toBe('«»');
  });

  it('cannot be left from inside', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
        const inner = quoteText(`${text} »«`).slice(1, -1);
        expect(inner).not.toMatch(/[«»]/);
      }),
    );
  });

  it('is undone for what a model passes back', () => {
    expect(unquoteText(quoteText('all orders'))).toBe('all orders');
    expect(unquoteText('orders')).toBe('orders');
  });

  it('leaves no half of a secret where it cuts, nor one that invisible letters hide', () => {
    const secret = 'planted-secret-0123456789';
    registerSecret(secret);
    for (const planted of [secret, [...secret].join('\u200b')]) {
      for (let before = 100; before < 170; before += 1) {
        const text = `${'x'.repeat(before)} ${planted}`;
        expect(quoteText(text)).not.toContain('plant');
        expect(outwardText(text, 160)).not.toContain('plant');
      }
    }
  });
});
