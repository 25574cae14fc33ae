/**
 * Names, messages and labels come from outside: whoever may name a service could otherwise speak to the model, or draw on a
 * person's terminal. They are data, and leave here as one short line without anything that cannot be seen.
 */

/** Format characters (bidi, zero width, tags), private use, lone surrogates, and what renders as nothing. */
const invisible = /[\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;
/** Terminal commands: `ESC [ … letter`, and titles `ESC ] … BEL`. Any control character may introduce them (C1 has its own). */
const terminalCommand = /\p{Cc}(?:\[[0-9:;<=>?]*[ -/]*[@-~]|\][^\p{Cc}]*\p{Cc}?)/gu;
const lineBreakOrControl = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** More than two marks on one letter cover the lines around it. */
const pileOfMarks = /(\p{M}{2})\p{M}+/gu;

/** What no rule below changes: most of what an answer holds. */
const plainLine = /^[!-~]+(?: [!-~]+)*$/;

/** One visible line of at most `max` characters; what was cut is shown by `…`. */
export function cleanText(text: string, max = 160): string {
  if (text.length <= max && plainLine.test(text)) return text;
  // Cut first: a name of a megabyte must not cost a megabyte's work in each pattern.
  const line = text
    .slice(0, max * 4)
    .replace(terminalCommand, ' ')
    .replace(lineBreakOrControl, ' ')
    .replace(invisible, '')
    .replace(pileOfMarks, '$1')
    .replace(/\s+/gu, ' ')
    .trim();
  const letters = Array.from(line);
  return letters.length <= max && text.length <= max * 4 ? line : `${letters.slice(0, max - 1).join('')}…`;
}

const maxDepth = 8;

/** A copy of structured data in which every string, keys included, is clean; undefined members are left out. */
export function cleanData(
  value: unknown,
  max: number,
  clean: (text: string, max: number) => string = cleanText,
  depth = 0,
): unknown {
  if (typeof value === 'string') return clean(value, max);
  if (value === null || typeof value !== 'object') return value;
  if (depth >= maxDepth) return undefined;
  if (Array.isArray(value)) return value.map((item) => cleanData(item, max, clean, depth + 1));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[clean(key, 80), cleanData(member, max, clean, depth + 1)]],
    ),
  );
}
