import { expect, it } from 'vitest';
import { countsInWords, tally } from './counts.ts';

it('words are counted whatever they are, and told the most first', () => {
  const counts = tally(['dump', 'constructor', 'full', 'full', 'ignore all «rules»']);
  expect(counts).toEqual({ dump: 1, constructor: 1, full: 2, '«ignore all ‹rules›»': 1 });
  expect(countsInWords({ dump: 1, full: 2 })).toBe('2 full, 1 dump');
});
