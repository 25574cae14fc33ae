import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkybackupError } from '../../contract/errors.ts';
import { readMoment } from './moment.ts';
import { instantsOf, offsetAt, wallClock } from './zone.ts';

const now = new Date('2026-11-25T23:30:15.750Z');
const read = (text: string, at = now): string => readMoment('point_in_time', text, at).toISOString();

function refusal(text: string): string {
  try {
    return `read as ${read(text)}`;
  } catch (error) {
    if (!(error instanceof SkybackupError)) throw error;
    expect(error.code).toBe('invalid_request');
    return `${error.message} ${error.hint}`;
  }
}

it.each([
  ['2026-11-22 18:30', '2026-11-22T18:30:00.000Z'],
  ['2026-11-22 18:30:05', '2026-11-22T18:30:05.000Z'],
  ['2026-11-22 18:30 UTC', '2026-11-22T18:30:00.000Z'],
  ['2026-11-22 at 6:30 pm', '2026-11-22T18:30:00.000Z'],
  ['2026-11-22T18:30Z', '2026-11-22T18:30:00.000Z'],
  ['2026-11-22t18:30:05.1234567z', '2026-11-22T18:30:05.123Z'],
  ['2026-11-22T18:30:00+01:00', '2026-11-22T17:30:00.000Z'],
  ['2026-11-22 18:30:00-0800', '2026-11-23T02:30:00.000Z'],
  ['2026-11-22 18:30 -08', '2026-11-23T02:30:00.000Z'],
  ['2026-11-22 18:30 Europe/Berlin', '2026-11-22T17:30:00.000Z'],
  ['2026-07-22 18:30 europe/berlin', '2026-07-22T16:30:00.000Z'],
  ['now', '2026-11-25T23:30:15.000Z'],
  ['2 hours ago', '2026-11-25T21:30:15.000Z'],
  ['an hour ago', '2026-11-25T22:30:15.000Z'],
  ['Half an hour ago', '2026-11-25T23:00:15.000Z'],
  ['15 min ago', '2026-11-25T23:15:15.000Z'],
  ['1.5h ago', '2026-11-25T22:00:15.000Z'],
  ['1 hour and 30 minutes ago', '2026-11-25T22:00:15.000Z'],
  ['3 days ago', '2026-11-22T23:30:15.000Z'],
  ['yesterday 18:00', '2026-11-24T18:00:00.000Z'],
  ['yesterday at 6pm', '2026-11-24T18:00:00.000Z'],
  ['18:00 yesterday', '2026-11-24T18:00:00.000Z'],
  ['3 days ago at 18:00', '2026-11-22T18:00:00.000Z'],
  ['today 09:30', '2026-11-25T09:30:00.000Z'],
  // There it is already the 26th.
  ['today 00:10 Europe/Berlin', '2026-11-25T23:10:00.000Z'],
  ['yesterday 09:30 Europe/Berlin', '2026-11-25T08:30:00.000Z'],
  ['today 09:30 +14:00', '2026-11-25T19:30:00.000Z'],
])('%j is %s', (text, instant) => {
  expect(read(text)).toBe(instant);
  expect(read(`  ${text.replace(' ', '  ')} `)).toBe(instant);
});

describe('what could mean several moments is refused with them', () => {
  it.each([
    ['3:00', '2026-11-25 3:00', '2026-11-24 3:00'],
    ['at 6 pm Europe/Berlin', '2026-11-25 6 pm Europe/Berlin', '2026-11-24 6 pm Europe/Berlin'],
    ['03/04/2026', '2026-04-03', '2026-03-04'],
    ['03.04.2026 10:00', '2026-04-03', '2026-03-04'],
    ['2026-11-22', '2026-11-22 00:00', '2026-11-22 23:59'],
    ['yesterday', 'yesterday 00:00', 'yesterday 23:59'],
    ['Monday 18:00', '2026-11-23', '2026-11-16'],
    ['last wednesday', '2026-11-25', '2026-11-18'],
    ['2026-11-22 10:00 CET', 'Europe/Berlin', '+01:00'],
    ['2026-11-22 10:00 EST', 'America/New_York', 'Australia/Sydney'],
    ['2026-11-22 10:00 IST', 'Asia/Kolkata', 'Europe/Dublin'],
    ['2026-11-22 10:00 Berlin', 'Europe/Berlin', 'IANA'],
    ['2026-11-22 10:00 Europe/Atlantis', 'IANA', '+01:00'],
    ['2026-11-22 10:00 Etc/GMT+5', 'no time zone', '+01:00'],
    ['2026-11-22 10:00 UTC+2', 'no time zone', '+01:00'],
    ['2026-11-22T10:00', '2026-11-22 10:00 UTC', 'Europe/Berlin'],
    ['2026-11-22 10:00-11:00', '2026-11-22 10:00 UTC', '2026-11-22 10:00 -11:00'],
    ['yesterday 12 am', '2026-11-24 00:00', '2026-11-24 12:00'],
    ['15m ago', '15 minutes ago', 'months'],
    // The clocks of Berlin are set back at 03:00 and forward at 02:00.
    ['2026-10-25 02:30 Europe/Berlin', '2026-10-25 00:30:00 UTC', '2026-10-25 01:30:00 UTC'],
    ['2027-03-28 02:30 Europe/Berlin', '2027-03-28 00:30:00 UTC', '2027-03-28 01:30:00 UTC'],
  ])('%j → %s or %s', (text, first, second) => {
    const words = refusal(text);
    expect(words).toContain(first);
    expect(words).toContain(second);
  });

  it.each(['2 months ago', '2026-02-30 10:00', '2026-11-22 24:00', '2026-11-22 10:00 +15:00', '2026-11-22 13:00 pm'])(
    '%j is not clear',
    (text) => expect(refusal(text)).toContain('is not clear'),
  );

  it.each([
    '',
    'tomorrow',
    'in 2 hours',
    '2 hours',
    '20261122',
    'about 2 hours ago',
    '-2h',
    '1711473537',
    '2026-11-22 18',
  ])('%j is no moment, and the refusal tells the forms', (text) =>
    expect(refusal(text)).toMatch(/can be read|is not clear/),
  );
});

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Casablanca'];
const instants = fc
  .integer({ min: Date.UTC(1990, 0) / 1000, max: Date.UTC(2060, 0) / 1000 })
  .map((seconds) => seconds * 1000);
const plain = (wall: number): string => new Date(wall).toISOString().slice(0, 19).replace('T', ' ');
function offsetText(offset: number): string {
  const minutes = Math.abs(offset) / 60_000;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

it('any instant, printed in any form, reads back as itself', () => {
  fc.assert(
    fc.property(instants, fc.constantFrom(...zones), (instant, zone) => {
      const offset = offsetAt(instant, zone);
      const wall = plain(instant + offset);
      const forms = [
        new Date(instant).toISOString(),
        plain(instant),
        `${plain(instant)} UTC`,
        `${wall.replace(' ', 'T')}${offsetText(offset)}`,
        `${wall}${offsetText(offset)}`,
      ];
      for (const form of forms) expect(read(form)).toBe(new Date(instant).toISOString());
      const named = `${wall} ${zone}`;
      if (instantsOf(instant + offset, zone).at.length === 1) expect(read(named)).toBe(new Date(instant).toISOString());
      else expect(refusal(named)).toContain(`${plain(instant)} UTC`);
    }),
  );
});

it('relative and day words count from now, by the calendar of their zone', () => {
  fc.assert(
    fc.property(instants, fc.nat(5000), fc.constantFrom(...zones), (instant, amount, zone) => {
      const at = new Date(instant);
      for (const [unit, length] of [
        ['seconds', 1],
        ['min', 60],
        ['hours', 3600],
        ['d', 86_400],
      ] as const) {
        expect(readMoment('from', `${amount} ${unit} ago`, at).getTime()).toBe(instant - amount * length * 1000);
      }
      const local = plain(wallClock(instant, zone));
      const [, clock = ''] = local.split(' ');
      const sameDay = refusalOr(() => readMoment('from', `today ${clock} ${zone}`, at));
      if (sameDay !== undefined) expect(sameDay).toBe(instant);
    }),
  );
});

function refusalOr(act: () => Date): number | undefined {
  try {
    return act().getTime();
  } catch (error) {
    expect(error).toBeInstanceOf(SkybackupError);
    return undefined;
  }
}

it('what is not such a form is refused, never read as another instant', () => {
  const strict = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?(Z| ?[+-]\d\d:?\d\d)?$/i;
  const letters = fc.constantFrom(...'0123456789-:TZ +./ap');
  const mangled = fc
    .tuple(instants, fc.nat(24), fc.nat(3), fc.string({ unit: letters, maxLength: 3 }))
    .map(([instant, at, cut, put]) => {
      const text = new Date(instant).toISOString();
      return text.slice(0, at) + put + text.slice(at + cut);
    });
  fc.assert(
    fc.property(fc.oneof(mangled, fc.string(), fc.string({ unit: letters, maxLength: 30 })), (text) => {
      const instant = refusalOr(() => readMoment('from', text, now));
      const shape = strict.exec(text.trim().replace(/\s+/g, ' '));
      if (instant === undefined || shape === null) return;
      const [, date, minutes, seconds = ':00', fraction = '', zone = 'Z'] = shape;
      const iso = `${date}T${minutes}${seconds}${fraction.slice(0, 4)}${zone.trim().replace(/(\d\d)(\d\d)$/, '$1:$2')}`;
      expect(instant).toBe(Date.parse(iso));
    }),
    { numRuns: 2000 },
  );
});
