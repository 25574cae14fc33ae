import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRuns } from '../contract/cron.ts';
import type { Schedule } from '../contract/schedules.ts';
import { weakened } from './schedule-effect.ts';

const now = new Date('2026-11-22T18:30:00Z');
const schedule = (change: Partial<Schedule> = {}): Schedule => ({
  id: 1,
  service_id: 'orders',
  schedule: '0 3 * * *',
  type: 'full',
  status: 'Scheduled',
  ...change,
});
const cronChange = (before: string, after: string): string[] =>
  weakened(schedule({ schedule: before }), { schedule: after }, now);

describe('a change that keeps protection', () => {
  it.each([
    ['0 3 * * *', '0 2 * * *'],
    ['0 3 * * *', '0 3,15 * * *'],
    ['0 3 * * 0', '0 3 * * *'],
    ['0 3 1 1 *', '0 3 1 * *'],
    ['0 */6 * * *', '*/5 * * * *'],
    ['0 3 * * 1', '30 4 * * 5'],
    ['0 3 1 12 *', '0 3 1 1 *'],
    ['0 3,15 * * 0', '0 3 * * *'],
  ])('%s → %s says nothing', (before, after) => {
    expect(cronChange(before, after)).toEqual([]);
  });

  it('resuming, the same type, the same suspension and an empty change say nothing', () => {
    expect(weakened(schedule({ suspended: true }), { suspended: false }, now)).toEqual([]);
    expect(weakened(schedule({ suspended: true }), { suspended: true }, now)).toEqual([]);
    expect(weakened(schedule(), { backup_type: 'full' }, now)).toEqual([]);
    expect(weakened(schedule({ type: 'incremental' }), { backup_type: 'full' }, now)).toEqual([]);
    expect(weakened(schedule(), {}, now)).toEqual([]);
  });
});

describe('a change that takes protection away', () => {
  it.each([
    ['0 3 * * *', '0 3 * * 0', '24 hours', '7 days'],
    ['*/5 * * * *', '0 * * * *', '5 minutes', '60 minutes'],
    ['0 3 * * *', '0 3 * * 1-5', '24 hours', '3 days'],
    ['0 3 1 * *', '0 3 1 1 *', '31 days', '365 days'],
    ['0 3 * * *', '0 3 29 2 *', '24 hours', '1461 days'],
    // Text of the same look and length, another rhythm: the hours are 0, 7, 14, 21, so the night's gap is 3 and the day's 7.
    ['0 */6 * * *', '0 */7 * * *', '6 hours', '7 hours'],
  ])('%s → %s names both gaps', (before, after, oldGap, newGap) => {
    const [sentence] = cronChange(before, after);
    expect(sentence).toContain(`from ${oldGap} to ${newGap}`);
  });

  it('sees fewer backups behind an equal longest gap', () => {
    expect(cronChange('0 0-23 * * 1-5', '0 0,23 * * 1-5').join()).toContain('fewer');
  });

  it.each([
    ['0,5,10,15,20,25,30,35,40,45,50,55 0-22 * * *', '0,10,15,20,25,30,35,40,45,50,55 0-22 * * *'],
    ['0 0-12 * * *', '0 0-10,12 * * *'],
  ])('sees each small step of many that would leave little: %s → %s', (before, after) => {
    expect(cronChange(before, after).join()).toContain('fewer');
  });

  it('sees suspension', () => {
    expect(weakened(schedule(), { suspended: true }, now)).toHaveLength(1);
  });

  it('sees thinning of a suspended schedule, which would slip through with a later resume', () => {
    expect(weakened(schedule({ suspended: true }), { schedule: '0 3 * * 0' }, now)).toHaveLength(1);
  });

  it.each(['incremental', 'binarylog', 'dump', 'snapshot'] as const)('sees full → %s', (type) => {
    expect(weakened(schedule(), { backup_type: type }, now)).toHaveLength(1);
  });

  it('gives one sentence for each loss', () => {
    expect(
      weakened(schedule(), { suspended: true, schedule: '0 3 * * 0', backup_type: 'binarylog' }, now),
    ).toHaveLength(3);
  });
});

it('refuses a new cron that is none, and distrusts an old one that cannot be read', () => {
  expect(() => cronChange('0 3 * * *', '0 3 * *')).toThrow(/five are needed/);
  expect(cronChange('whenever', '0 3 * * *')).toHaveLength(1);
});

it('agrees with counting every run of many weeks', () => {
  const field = (from: number, to: number) =>
    fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 4 }).map((list) => list.join(','));
  const cron = fc
    .tuple(field(0, 59), fc.oneof(fc.constant('*'), field(0, 23)), fc.oneof(fc.constant('*'), field(0, 6)))
    .map(([minute, hour, weekday]) => `${minute} ${hour} * * ${weekday}`);
  const longestGap = (expression: string): number => {
    const start = Date.parse('2026-11-23T00:00:00Z');
    let longest = 0;
    let previous: number | undefined;
    for (const run of nextRuns(expression, new Date(start - 1), 4 * 24 * 7 * 2 + 4).map((date) => date.getTime())) {
      if (previous !== undefined) longest = Math.max(longest, run - previous);
      previous = run;
      if (run > start + 15 * 24 * 3_600_000) break;
    }
    return longest;
  };
  fc.assert(
    fc.property(cron, cron, (before, after) => {
      const grows = longestGap(after) > longestGap(before);
      const said = cronChange(before, after).some((sentence) => sentence.includes('longest time'));
      expect(said).toBe(grows);
    }),
    { numRuns: 60 },
  );
});
