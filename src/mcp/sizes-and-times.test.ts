import { expect, it } from 'vitest';
import { readTime } from '../contract/time.ts';
import { counted, durationInWords, sizeInWords, timeInWords } from './sizes-and-times.ts';

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [5_327_326, '5.3 MB'],
  [123_456_789, '123 MB'],
  [1_500_000_000_000, '1.5 TB'],
  [-1, undefined],
  [Number.NaN, undefined],
  [undefined, undefined],
])('%s bytes is %s', (bytes, words) => {
  expect(sizeInWords(bytes)).toBe(words);
});

it.each([
  ['2024-03-26 17:18:21', '2024-03-26 17:18:21 UTC'],
  ['2024-03-26T17:18:57Z', '2024-03-26 17:18:57 UTC'],
  ['2024-03-26T17:18:57.123+02:00', '2024-03-26 15:18:57 UTC'],
  ['2024-03-26 17:18:21 UTC', '2024-03-26 17:18:21 UTC'],
  ['2024-13-26 17:18:21', undefined],
  ['yesterday', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s reads as %s', (time, words) => {
  expect(timeInWords(time)).toBe(words);
});

it('reads back what it wrote', () => {
  expect(readTime(timeInWords('2026-11-22T18:30:05Z'))?.toISOString()).toBe('2026-11-22T18:30:05.000Z');
});

it.each([
  [40, '0.0 s'],
  [1500, '1.5 s'],
  [12_000, '12 s'],
  [93_000, '1 min 33 s'],
  [7_260_000, '2 h 1 min'],
])('%s ms is %s', (ms, words) => {
  expect(durationInWords(ms)).toBe(words);
});

it.each([
  [0, '0 backups'],
  [1, '1 backup'],
  [2, '2 backups'],
])('%d of a thing', (count, words) => {
  expect(counted(count, 'backup')).toBe(words);
});
