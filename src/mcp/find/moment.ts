import { SkybackupError } from '../../contract/errors.ts';
import { toPointInTime } from '../../contract/time.ts';
import { quoteText } from '../untrusted-text.ts';
import { instantsOf, readZone, wallClock } from './zone.ts';

/** The same for the arguments of tools, in few words. */
export const momentForm = '"2026-11-22 18:30" (UTC), with a zone, or "2 hours ago"';

/** How a moment may be said; every refusal repeats it. */
export const momentForms =
  '"2026-11-22 18:30" (UTC), with a zone "2026-11-22T18:30:00+01:00" or "2026-11-22 18:30 Europe/Berlin", "yesterday 18:00", "2 hours ago"';

const second = 1000;
const units: Record<string, number> = {
  ...named(second, 's', 'sec', 'secs', 'second', 'seconds'),
  ...named(60 * second, 'min', 'mins', 'minute', 'minutes'),
  ...named(3600 * second, 'h', 'hr', 'hrs', 'hour', 'hours'),
  ...named(86_400 * second, 'd', 'day', 'days'),
  ...named(7 * 86_400 * second, 'w', 'wk', 'week', 'weeks'),
};
const day = 86_400 * second;

function named(length: number, ...names: string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, length]));
}

const clock = String.raw`(?<hour>\d{1,2})(?::(?<minute>\d{2}))?(?::(?<second>\d{2})(?<fraction>\.\d{1,9})?)?(?: ?(?<half>[ap])\.?m\.?)?`;
const zone = String.raw`(?<zone>Z| ?[+-]\d{2}(?::?\d{2})?| [a-z][a-z0-9_+/-]*)?`;
const dated = new RegExp(String.raw`^(?<date>\d{4}-\d{2}-\d{2})(?<between>T| at | )${clock}${zone}$`, 'i');
const dayWord = String.raw`(?<day>today|yesterday|(?<days>\d{1,4}) days ago)`;
const dayFirst = new RegExp(`^${dayWord},?(?: at)? ${clock}${zone}$`, 'i');
const dayLast = new RegExp(`^(?:at )?${clock}${zone} ${dayWord}$`, 'i');
const clockAlone = new RegExp(`^(?:at )?${clock}${zone}$`, 'i');
const weekday = /^(?:last |on )?(sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?\b/i;

type Parts = Partial<Record<string, string>>;

/**
 * The one instant that `given` means, of the argument so named; relative ones count from `now`. What could mean several is
 * refused with those, as they would be accepted: nothing is guessed. Throws `invalid_request`.
 */
export function readMoment(argument: string, given: string, now: Date): Date {
  const text = given.trim().replace(/\s+/g, ' ');
  const base = Math.floor(now.getTime() / second) * second;
  if (/^(right )?now$/i.test(text)) return new Date(base);
  const ago = /^(.+) ago$/i.exec(text)?.[1];
  const past = ago === undefined ? undefined : lengthOf(argument, text, ago);
  if (past !== undefined) return new Date(base - past);

  const parts: Parts = (dated.exec(text) ?? dayFirst.exec(text) ?? dayLast.exec(text))?.groups ?? {};
  if (parts.hour === undefined) throw unreadable(argument, text, base);
  return new Date(instantOf(argument, text, parts, base));
}

/** As `readMoment`, in the contract's form: to the second, unless a fraction was given. */
export function exactMoment(argument: string, given: string, now: Date): string {
  const moment = readMoment(argument, given, now);
  return moment.getTime() % second === 0 ? toPointInTime(moment) : moment.toISOString();
}

function lengthOf(argument: string, text: string, ago: string): number | undefined {
  const words = ago
    .toLowerCase()
    .replace(/^half an hour$/, '30 minutes')
    .replace(/\b(an?|one) /g, '1 ');
  const each = String.raw`\d{1,6}(?:\.\d{1,3})? ?[a-z]+`;
  if (!new RegExp(`^${each}(?:(?:,| and|, and)? ${each})*$`).test(words)) return undefined;
  let length = 0;
  for (const [, amount, unit = ''] of words.matchAll(/(\d+(?:\.\d+)?) ?([a-z]+)/g)) {
    const one = units[unit];
    if (one !== undefined) length += Math.round(Number(amount) * one);
    else if (unit === 'm') throw unclear(argument, text, '"m" may be minutes or months', [`${amount} minutes ago`]);
    else if (/^(months?|years?)$/.test(unit))
      throw unclear(argument, text, `one ${unit} is not as long as another`, []);
    else return undefined;
  }
  return length;
}

function instantOf(argument: string, text: string, parts: Parts, base: number): number {
  const { between = '', zone: given = '' } = parts;
  const zone = given.trim();
  const offset = offsetOf(zone);
  if (between.toUpperCase() === 'T' && zone === '') {
    const plain = text.replace(/t/i, ' ');
    throw unclear(argument, text, 'with a T, a zone is needed', [
      `${plain} UTC`,
      `${plain} Europe/Berlin (or another)`,
    ]);
  }
  if (between.toUpperCase() !== 'T' && parts.second === undefined && given.startsWith('-')) {
    const start = text.slice(0, -given.length);
    throw unclear(argument, text, 'it may be a span or an offset', [`${start} UTC`, `${start} ${given}`]);
  }
  if (Number.isNaN(offset)) throw unclear(argument, text, 'no zone is so far from UTC', []);
  const place = offset === undefined && zone !== '' ? readZone(argument, zone) : 'UTC';
  const today = Math.floor((wallClock(base, place) + (offset ?? 0)) / day) * day;
  const date = parts.date === undefined ? today - daysBack(parts) * day : Date.parse(`${parts.date}T00:00:00Z`);
  const time = timeOf(parts);
  const real = parts.date === undefined || (date >= 0 && new Date(date).toISOString().slice(0, 10) === parts.date);
  if (time === 'twelve') {
    const start = parts.date ?? new Date(date).toISOString().slice(0, 10);
    throw unclear(argument, text, '12 am and 12 pm are understood differently', [`${start} 00:00`, `${start} 12:00`]);
  }
  if (time === undefined || !real) throw unclear(argument, text, 'there is no such time', []);
  if (offset !== undefined) return date + time - offset;
  if (place === 'UTC') return date + time;

  const { at, beside } = instantsOf(date + time, place);
  const [only] = at;
  if (only !== undefined && at.length === 1) return only;
  throw unclear(
    argument,
    text,
    `on that day the clocks of ${place} change, and show it ${at.length === 0 ? 'never' : 'twice'}`,
    (at.length === 0 ? beside : at).map(inUtc),
  );
}

function daysBack({ day: word = '', days }: Parts): number {
  return days === undefined ? (word.toLowerCase() === 'yesterday' ? 1 : 0) : Number(days);
}

/** Milliseconds after midnight; undefined for no time of day; `twelve` for what people disagree about. */
function timeOf({
  hour = '',
  minute,
  second: seconds = '0',
  fraction = '',
  half,
}: Parts): number | 'twelve' | undefined {
  // `18` alone is no time of day; `6 pm` is.
  if (minute === undefined && half === undefined) return undefined;
  const [h, m, s] = [Number(hour), Number(minute ?? 0), Number(seconds)];
  if (m > 59 || s > 59 || h > 23) return undefined;
  if (half !== undefined && (h > 12 || h === 0)) return undefined;
  if (half !== undefined && h === 12) return 'twelve';
  const hours = half?.toLowerCase() === 'p' ? h + 12 : h;
  return ((hours * 60 + m) * 60 + s) * second + Number(`${fraction.slice(1, 4).padEnd(3, '0')}`);
}

/** Milliseconds ahead of UTC; undefined for what is no offset. */
function offsetOf(zone: string): number | undefined {
  if (/^z$/i.test(zone)) return 0;
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  if (sign === undefined) return undefined;
  const length = (Number(hours) * 60 + Number(minutes)) * 60 * second;
  if (Number(hours) > 14 || Number(minutes) > 59) return Number.NaN;
  return sign === '-' ? -length : length;
}

/** Why it cannot be read, with what may be meant where that can be told. */
function unreadable(argument: string, text: string, base: number): SkybackupError {
  const today = Math.floor(base / day) * day;
  const dateOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);
  const time = clockAlone.exec(text)?.groups;
  if (time !== undefined && (time.minute ?? time.half) !== undefined) {
    const both = [today, today - day].map((date) => `${dateOf(date)} ${text.replace(/^at /i, '')}`);
    return unclear(argument, text, 'it names no day', both);
  }
  const [, first, middle, year] = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\b/.exec(text) ?? [];
  if (first !== undefined && middle !== undefined && year !== undefined) {
    const orders = [`${year}-${middle.padStart(2, '0')}-${first.padStart(2, '0')}`];
    orders.push(`${year}-${first.padStart(2, '0')}-${middle.padStart(2, '0')}`);
    const real = [...new Set(orders)].filter((date) => !Number.isNaN(Date.parse(`${date}T00:00:00Z`)));
    return unclear(argument, text, 'its day and month may be either', real);
  }
  if (/^(\d{4}-\d{2}-\d{2}|today|yesterday)$/i.test(text)) {
    return unclear(argument, text, 'it is a whole day', [`${text} 00:00`, `${text} 23:59`]);
  }
  if (weekday.test(text)) {
    const wanted = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'].indexOf(
      (weekday.exec(text)?.[1] ?? '').slice(0, 3).toLowerCase(),
    );
    const back = (new Date(today).getUTCDay() - wanted + 7) % 7;
    const days = [back, back + 7].map((each) => `${dateOf(today - each * day)}`);
    return unclear(argument, text, 'it may be this week or the last', days);
  }
  return new SkybackupError('invalid_request', `${argument} ${quoteText(text, 60)} is not a moment that can be read.`, {
    hint: `Write it as ${momentForms}. Ask the person for the day and their time zone.`,
  });
}

function inUtc(instant: number): string {
  return `${toPointInTime(new Date(instant))} UTC`;
}

function unclear(argument: string, text: string, why: string, candidates: string[]): SkybackupError {
  const ask = candidates.length === 0 ? '' : `Ask the person which is meant: ${candidates.join('; or ')}. `;
  return new SkybackupError('invalid_request', `${argument} ${quoteText(text, 60)} is not clear: ${why}.`, {
    hint: `${ask}A moment is written as ${momentForms}.`,
  });
}
