import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCron, nextRuns } from './cron.ts';
import type { SkybackupError } from './errors.ts';

describe('checkCron', () => {
  it.each([
    ['0 3 * * *', '0 3 * * *'],
    ['  */15   2-4 * * MON-FRI ', '*/15 2-4 * * MON-FRI'],
    ['5 4 29 2 *', '5 4 29 2 *'],
    ['0 9 ** *', '0 9 * * *'],
  ])('accepts %j', (given, normal) => {
    expect(checkCron(given)).toBe(normal);
  });

  it.each([
    '',
    'once',
    '@daily',
    '* * * *',
    '0 0 3 * * *',
    '60 * * * *',
    '* 24 * * *',
    '0 0 31 2 *',
    '0 0 * * 9',
    '0 0 *** *',
    '$(reboot) * * * *',
    `${'1,'.repeat(200)}1 * * * *`,
  ])('refuses %j, says why and gives an example', (given) => {
    expect(() => checkCron(given)).toThrowError(
      expect.objectContaining({ code: 'invalid_schedule', hint: expect.stringContaining('0 3 * * *') }),
    );
  });

  it('answers any text with a normal form or an invalid_schedule, never with another error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9*,/ -]{0,30}$/)), (text) => {
        try {
          expect(checkCron(text).split(' ')).toHaveLength(5);
        } catch (error) {
          expect((error as SkybackupError).code).toBe('invalid_schedule');
        }
      }),
    );
  });
});

/** The plain model: walk minute by minute and compare each field. Only numbers and steps, which is what it is fed. */
function modelNext(fields: readonly string[], from: Date): Date {
  const matches = (field: string, value: number): boolean =>
    field === '*' || (field.startsWith('*/') ? value % Number(field.slice(2)) === 0 : Number(field) === value);
  const at = new Date(from);
  at.setUTCSeconds(0, 0);
  for (let minutes = 0; minutes < 60 * 24 * 40; minutes++) {
    at.setUTCMinutes(at.getUTCMinutes() + 1);
    const [minute = '*', hour = '*', , , weekday = '*'] = fields;
    if (matches(minute, at.getUTCMinutes()) && matches(hour, at.getUTCHours()) && matches(weekday, at.getUTCDay())) {
      return at;
    }
  }
  throw new Error('the model found no run');
}

describe('nextRuns', () => {
  it('agrees with a walk minute by minute', () => {
    const minute = fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 0, max: 59 }).map(String),
      fc.constantFrom('*/5', '*/7', '*/30'),
    );
    const hour = fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: 23 }).map(String), fc.constantFrom('*/2', '*/5'));
    const weekday = fc.oneof(fc.constant('*'), fc.integer({ min: 0, max: 6 }).map(String));
    const from = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(minute, hour, weekday, from, (m, h, w, date) => {
        const [next] = nextRuns(`${m} ${h} * * ${w}`, date, 1);
        expect(next?.toISOString()).toBe(modelNext([m, h, '*', '*', w], date).toISOString());
      }),
      { numRuns: 60 },
    );
  });

  it('does not move with daylight saving: 02:30 UTC exists on every day', () => {
    const runs = nextRuns('30 2 * * *', new Date('2026-03-28T00:00:00Z'), 3);
    expect(runs.map((run) => run.toISOString())).toEqual([
      '2026-03-28T02:30:00.000Z',
      '2026-03-29T02:30:00.000Z',
      '2026-03-30T02:30:00.000Z',
    ]);
  });
});
