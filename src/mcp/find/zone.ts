import { SkybackupError } from '../../contract/errors.ts';
import { quoteText } from '../untrusted-text.ts';

/** Abbreviations that people use for more than one place, or that hide whether summer time is meant. */
const meanings: Record<string, readonly string[]> = {
  BST: ['Europe/London', 'Asia/Dhaka'],
  CET: ['Europe/Berlin', '+01:00'],
  CEST: ['Europe/Berlin', '+02:00'],
  CST: ['America/Chicago', 'Asia/Shanghai', 'America/Havana'],
  EET: ['Europe/Helsinki', '+02:00'],
  EST: ['America/New_York', '-05:00', 'Australia/Sydney'],
  EDT: ['America/New_York', '-04:00'],
  IST: ['Asia/Kolkata', 'Asia/Jerusalem', 'Europe/Dublin'],
  MST: ['America/Denver', '-07:00'],
  PST: ['America/Los_Angeles', 'Asia/Manila'],
  PDT: ['America/Los_Angeles', '-07:00'],
  WET: ['Europe/Lisbon', '+00:00'],
};

/** The IANA name of a zone as people write it, in the argument so named. Throws `invalid_request` with what it may mean: never a guess. */
export function readZone(argument: string, given: string): string {
  const name = given.trim();
  if (/^(utc|gmt|z)$/i.test(name)) return 'UTC';
  if (/^[+-]\d{2}:\d{2}$/.test(name) && isKnown(name)) return name;
  // `Etc/GMT+5` is five hours behind, which few who write it mean; names without a slash are abbreviations, or about to go.
  const zones = Intl.supportedValuesOf('timeZone');
  if (/^[a-z]+\/[a-z0-9_/+-]+$/i.test(name) && !/^etc\/gmt/i.test(name) && isKnown(name)) {
    return zones.find((zone) => zone.toLowerCase() === name.toLowerCase()) ?? name;
  }
  const city = name.split('/').at(-1)?.toLowerCase().replaceAll(' ', '_') ?? '';
  const places = meanings[name.toUpperCase()] ?? zones.filter((zone) => zone.toLowerCase().endsWith(`/${city}`));
  throw new SkybackupError('invalid_request', `${argument}: ${quoteText(name, 60)} is no time zone that is clear.`, {
    hint: `${places.length === 0 ? '' : `It may mean ${places.join(' or ')}: ask the person. `}Write an IANA name such as Europe/Berlin, or an offset such as +01:00.`,
  });
}

function isKnown(zone: string): boolean {
  try {
    clockOf(zone);
    return true;
  } catch {
    return false;
  }
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const parts = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', second: '2-digit', ...parts });
  clocks.set(zone, clock);
  return clock;
}

/** What the clocks of a zone show at an instant, as the milliseconds of the same time in UTC. */
export function wallClock(instant: number, zone: string): number {
  const part = Object.fromEntries(
    clockOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((instant % 1000) + 1000) % 1000);
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
export function offsetAt(instant: number, zone: string): number {
  return wallClock(instant, zone) - instant;
}

export interface Instants {
  /** When the clocks show it: once, twice where they are set back, never where they are set forward. */
  at: number[];
  /** Where it is never: what it is by the clocks of before and of after the change. */
  beside: number[];
}

const day = 86_400_000;

/** The instants at which the clocks of a zone show a time, given as the milliseconds of the same time in UTC. */
export function instantsOf(wall: number, zone: string): Instants {
  const offsets = new Set([offsetAt(wall - day, zone), offsetAt(wall + day, zone)]);
  const near = [...offsets].map((offset) => wall - offset).sort((a, b) => a - b);
  const at = near.filter((instant) => wallClock(instant, zone) === wall);
  return { at, beside: at.length === 0 ? near : [] };
}
