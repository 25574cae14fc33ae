/** What an argument of a call may be. A plain value is meant exactly; the others are data too, so that a case can be read and checked. */

type Plain = string | number | boolean | readonly string[];

export type Matcher =
  | Plain
  | { oneOf: readonly Plain[] }
  | { contains: string; example: string }
  | { pattern: RegExp; example: Plain }
  | { free: Plain }
  | { optional: Plain }
  | { absent: true }
  | { fact: string }
  | { answered: string }
  | { moment: string; within: number };

export type Arguments = Readonly<Record<string, Matcher>>;

export const oneOf = (...values: Plain[]): Matcher => ({ oneOf: values });
export const contains = (text: string, example: string): Matcher => ({ contains: text, example });
export const matches = (pattern: RegExp, example: Plain): Matcher => ({ pattern, example });
/** Whatever it is; what is played stands for it. */
export const free = (example: Plain): Matcher => ({ free: example });
/** This, or left out where another argument makes it plain. */
export const optional = (value: Plain): Matcher => ({ optional: value });
export const absent: Matcher = { absent: true };
/** What the world was seeded with under this name: ids that differ from run to run, moments. */
export const fact = (name: string): Matcher => ({ fact: name });
/** What an earlier answer gave, as `tool.member.member`: an id must come from there and be invented nowhere. */
export const answered = (path: string): Matcher => ({ answered: path });
/** A moment in UTC, however it is written, at most so many seconds from the fact. */
export const moment = (name: string, within = 0): Matcher => ({ moment: name, within });

/** What matchers are compared with: the world's facts, and the structured answers so far, newest last. */
export interface Known {
  facts: Readonly<Record<string, string | number>>;
  answers: readonly { tool: string; data: Readonly<Record<string, unknown>> }[];
}

export function matchesArguments(args: Arguments, given: Readonly<Record<string, unknown>>, known: Known): boolean {
  return Object.entries(args).every(([name, matcher]) => matchesValue(matcher, given[name], known));
}

function matchesValue(matcher: Matcher, given: unknown, known: Known): boolean {
  if (typeof matcher !== 'object' || Array.isArray(matcher)) return same(matcher, given);
  if ('absent' in matcher) return given === undefined;
  if ('optional' in matcher) return given === undefined || same(matcher.optional, given);
  if (given === undefined) return false;
  if ('oneOf' in matcher) return matcher.oneOf.some((value) => same(value, given));
  if ('contains' in matcher) return String(given).includes(matcher.contains);
  if ('pattern' in matcher) return matcher.pattern.test(String(given));
  if ('fact' in matcher) return same(known.facts[matcher.fact], given);
  if ('moment' in matcher) {
    const [wanted, is] = [utc(known.facts[matcher.moment]), utc(given)];
    return Math.abs(wanted - is) <= matcher.within * 1000;
  }
  if ('answered' in matcher) return candidates(matcher.answered, known).some((value) => same(value, given));
  return 'free' in matcher;
}

/** The arguments that a player sends for these matchers. */
export function exampleArguments(args: Arguments, known: Known): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).flatMap(([name, matcher]) => {
      const value = example(matcher, known);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function example(matcher: Matcher, known: Known): unknown {
  if (typeof matcher !== 'object' || Array.isArray(matcher)) return matcher;
  if ('oneOf' in matcher) return matcher.oneOf[0];
  if ('example' in matcher) return matcher.example;
  if ('free' in matcher) return matcher.free;
  if ('optional' in matcher) return matcher.optional;
  if ('fact' in matcher) return known.facts[matcher.fact];
  if ('moment' in matcher) return known.facts[matcher.moment];
  if ('answered' in matcher) return candidates(matcher.answered, known).at(-1);
  return undefined;
}

function candidates(path: string, { answers }: Known): unknown[] {
  const [tool, ...members] = path.split('.');
  const found = answers.filter((answer) => answer.tool === tool).map(({ data }) => member(data, members));
  return found.filter((value) => value !== undefined);
}

function member(value: unknown, [first, ...rest]: string[]): unknown {
  if (first === undefined) return value;
  return typeof value === 'object' && value !== null
    ? member((value as Record<string, unknown>)[first], rest)
    : undefined;
}

/** Numbers that came as text are numbers, as for the server; text is compared without the marks around outside text. */
function same(wanted: unknown, given: unknown): boolean {
  if (typeof wanted === 'number') return Number(given) === wanted;
  if (typeof wanted === 'string' && typeof given === 'string') return plain(wanted) === plain(given);
  return JSON.stringify(wanted) === JSON.stringify(given);
}

const plain = (text: string): string =>
  text
    .trim()
    .replace(/^«(.*)»$/u, '$1')
    .toLowerCase();

function utc(value: unknown): number {
  const text = String(value).trim().replace(' UTC', '').replace(' ', 'T');
  return Date.parse(/Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
}
