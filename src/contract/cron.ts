import { CronExpressionParser } from 'cron-parser';
import { SkybackupError } from './errors.ts';

/** `once` or a five-field cron expression. */
export const once = 'once';

/**
 * Checks a five-field cron expression in UTC and returns it with single spaces.
 * Refused: anything but five fields, nicknames (`@daily`), seconds, and dates that never come (`0 0 31 2 *`).
 */
export function checkCron(expression: string): string {
  // The service's documentation prints "0 9 ** *": two stars without their space stand for two fields.
  const fields = expression
    .replaceAll(/\*(?=\*)/g, '* ')
    .trim()
    .split(/\s+/);
  const wrong = (why: string): SkybackupError =>
    new SkybackupError('invalid_schedule', `"${expression.slice(0, 100)}" is not a cron schedule: ${why}.`);
  if (expression.length > 200) throw wrong('it is longer than 200 characters');
  if (fields.length !== 5)
    throw wrong(
      `it has ${fields.length} field${fields.length === 1 ? '' : 's'}, and five are needed (minute hour day month weekday)`,
    );
  const normal = fields.join(' ');
  if (!/^[0-9A-Za-z*,/\- ?#]+$/.test(normal)) throw wrong('it has characters that cron does not know');
  // cron-parser reads H as "some value, drawn anew each time": such a schedule would never be due at a known moment.
  if (/\bH\b/i.test(normal)) throw wrong('it has H, which stands for no fixed time');
  try {
    nextRuns(normal, new Date(), 1);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message.slice(0, 200).replace(/\.$/, '') : 'it cannot be read');
  }
  return normal;
}

/** The next `count` moments after `from` (exclusive) at which the cron expression, in UTC, is due. */
export function nextRuns(expression: string, from: Date, count: number): Date[] {
  const cron = CronExpressionParser.parse(expression, { currentDate: from, tz: 'UTC' });
  return Array.from({ length: count }, () => cron.next().toDate());
}
