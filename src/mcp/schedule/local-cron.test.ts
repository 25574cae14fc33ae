import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextRuns } from '../../contract/cron.ts';
import { cronInUtc } from './local-cron.ts';

const from = Date.parse('2026-11-25T12:00:00Z');
const hours = (count: number): number => count * 3_600_000;

it.each([
  ['0 4 * * *', 1, '0 3 * * *'],
  ['30 9 * * 1-5', 5.5, '0 4 * * 1-5'],
  ['0 0 * * 0', 1, '0 23 * * 6'],
  ['15 22 * * 5', -5, '15 3 * * 6'],
  ['0 */6 * * *', 1, '0 5,11,17,23 * * *'],
  ['0 */6 * * *', 6, '0 */6 * * *'],
  ['*/15 * * * *', 5.75, '*/15 * * * *'],
  ['0 9 1 * *', 1, '0 8 1 * *'],
  // Midnight of the first is the last of a month in UTC, and some of its hours another day.
  ['0 0 1 * *', 1, undefined],
  ['0 0,12 * * 1', 1, undefined],
  ['0 0 * 6 *', 1, undefined],
  // Two times that no single line of cron has: 03:30 and 04:00.
  ['0,30 9 * * *', 5.5, undefined],
])('%s, %s h ahead of UTC, is %s', async (cron, ahead, found) => {
  expect(await cronInUtc(cron, hours(ahead), from)).toBe(found);
});

it('whatever is found runs at the local times, and only then', async () => {
  const part = (most: number) => fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: most }).map(String));
  const crons = fc.tuple(fc.nat(59), part(23), fc.constantFrom('*', '1', '15'), fc.constantFrom('*', '0', '1-5'));
  await fc.assert(
    fc.asyncProperty(crons, fc.integer({ min: -48, max: 56 }), async ([minute, hour, day, weekday], quarters) => {
      const cron = `${minute} ${hour} ${day} * ${weekday}`;
      const offset = quarters * 900_000;
      const found = await cronInUtc(cron, offset, from);
      if (found === undefined) return;
      const local = nextRuns(cron, new Date(from + offset), 200).map((run) => run.getTime());
      expect(nextRuns(found, new Date(from), 200).map((run) => run.getTime() + offset)).toEqual(local);
    }),
  );
});
