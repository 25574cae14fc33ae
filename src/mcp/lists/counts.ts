import { quoteText } from '../untrusted-text.ts';

/** How many there are of each word. */
export type Counts = Record<string, number>;

export function tally(words: readonly string[]): Counts {
  // No object: a word may be the name of something that every object has.
  const counts = new Map<string, number>();
  for (const word of words.map((each) => quoteText(each, 40))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

/** `12 full, 3 dump`: the most first. */
export function countsInWords(counts: Counts): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}
