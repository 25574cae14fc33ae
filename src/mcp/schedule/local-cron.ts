import { nextRuns } from '../../contract/cron.ts';

const minute = 60_000;
const compared = 80;

/**
 * The cron in UTC that runs when clocks `offset` milliseconds ahead of it show the times of `cron`; undefined where no single
 * one does, because days or months would begin at another hour. What comes out was compared run by run.
 */
export async function cronInUtc(cron: string, offset: number, from: number): Promise<string | undefined> {
  const { CronExpressionParser } = await import('cron-parser');
  const { fields } = CronExpressionParser.parse(cron, { tz: 'UTC' });
  const shift = Math.round(offset / minute);
  const times = fields.hour.values.flatMap((h) => fields.minute.values.map((m) => h * 60 + m - shift));
  const minutes = sorted(times.map((time) => mod(time, 60)));
  const hours = sorted(times.map((time) => Math.floor(mod(time, 1440) / 60)));
  const days = sorted(times.map((time) => Math.floor(time / 1440)));
  const [, , dayOfMonth = '*', month = '*', weekday = '*'] = cron.split(' ');
  const [moved = 0] = days;
  const weekdays =
    weekday === '*' || moved === 0
      ? weekday
      : sorted(fields.dayOfWeek.values.map((each) => mod(Number(each) + moved, 7))).join(',');
  const found = [field(minutes, 60), field(hours, 24), dayOfMonth, month, weekdays].join(' ');
  return (await sameRuns(found, cron, offset, from)) ? found : undefined;
}

async function sameRuns(found: string, cron: string, offset: number, from: number): Promise<boolean> {
  const wanted = nextRuns(cron, new Date(from + offset), compared).map((run) => run.getTime() - offset);
  return nextRuns(found, new Date(from), compared).every((run, index) => run.getTime() === wanted[index]);
}

function field(values: number[], all: number): string {
  if (values.length === all) return '*';
  const [first = 0, second] = values;
  const step = second === undefined ? 0 : second - first;
  const even = first === 0 && step > 1 && all % step === 0 && values.length === all / step;
  return even && values.every((value, index) => value === index * step) ? `*/${step}` : values.join(',');
}

function sorted(values: number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
