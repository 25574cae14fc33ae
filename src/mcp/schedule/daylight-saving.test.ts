import { expect, it } from 'vitest';
import { clockChanges, drift, localTime } from './daylight-saving.ts';

const november = Date.parse('2026-11-25T12:00:00Z');
const run = Date.parse('2026-11-26T03:00:00Z');

it('finds both changes of a year, to the second', () => {
  const hour = 3_600_000;
  expect(clockChanges('Europe/Berlin', november)).toEqual([
    { at: Date.parse('2027-03-28T01:00:00Z'), before: hour, after: 2 * hour },
    { at: Date.parse('2027-10-31T01:00:00Z'), before: 2 * hour, after: hour },
  ]);
  expect(clockChanges('Asia/Kolkata', november)).toEqual([]);
});

it.each([
  [
    'Europe/Berlin',
    '03:00 UTC is 04:00 in Europe/Berlin until 28 March 2027, then 05:00, and from 31 October 2027 04:00.',
  ],
  ['America/New_York', '03:00 UTC is 22:00 in America/New_York until 14 March 2027, then 23:00'],
  // Half an hour, and in the other half of the year.
  ['Australia/Lord_Howe', '03:00 UTC is 14:00 in Australia/Lord_Howe until 4 April 2027, then 13:30'],
  ['Asia/Kolkata', '03:00 UTC is 08:30 in Asia/Kolkata all year: its clocks do not change.'],
])('says what it does in %s', (zone, words) => expect(drift(run, zone, november)).toContain(words));

it('names the local day, which may be another one', () => {
  expect(localTime(run, 'America/New_York')).toBe('Wed 2026-11-25 22:00');
});
