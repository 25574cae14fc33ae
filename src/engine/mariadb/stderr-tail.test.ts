import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StderrTail } from './stderr-tail.ts';

describe('the tail of stderr', () => {
  it('gives whole lines, however they arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-zé€ ]{0,20}$/), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        (lines, size) => {
          const seen: string[] = [];
          const tail = new StderrTail((line) => seen.push(line));
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          for (let at = 0; at < bytes.length; at += size) tail.add(bytes.subarray(at, at + size));
          expect(tail.end()).toEqual(lines);
          expect(seen).toEqual(lines);
        },
      ),
    );
  });

  it('keeps the unfinished last line', () => {
    const tail = new StderrTail();
    tail.add(Buffer.from('one\ntwo'));
    expect(tail.end()).toEqual(['one', 'two']);
  });

  it('is bounded, by lines and by length', () => {
    const tail = new StderrTail();
    for (let i = 0; i < 1000; i += 1) tail.add(Buffer.from(`line ${i}\n`));
    for (let i = 0; i < 1000; i += 1) tail.add(Buffer.alloc(10_000, 'x'));
    const lines = tail.end();
    expect(lines.length).toBe(60);
    expect(lines.at(-2)).toBe('line 999');
    expect(lines.at(-1)?.length).toBeLessThanOrEqual(2000);
  });

  it('holds no password', () => {
    const tail = new StderrTail();
    tail.add(
      Buffer.from(
        "GRANT USAGE ON *.* TO `b`@`localhost` IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227'\n",
      ),
    );
    expect(tail.end().join()).not.toContain('B69027');
  });
});
