import { expect, it } from 'vitest';
import { transactionsSince } from './restore-losses.ts';

it.each([
  ['0-1-5', '0-1-5', 0n],
  ['0-1-5', '0-1-12', 7n],
  ['', '0-1-12', 12n],
  // Another server of the same domain went on.
  ['0-1-5', '0-2-9', 4n],
  ['0-1-5,7-1-2', '0-1-6,7-1-10,9-1-1', 10n],
  // The newest of a domain counts, in whatever order they stand.
  ['0-2-9,0-1-5', '0-1-12', 3n],
  ['0-1-12', '0-1-5', 0n],
])('from %j to %j', (from, live, count) => {
  expect(transactionsSince(from, live)).toBe(count);
});
