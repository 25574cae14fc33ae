import { outwardText } from './outward.ts';

const plainWord = /^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,159}$/;

/**
 * Outside text for a sentence: a plain word as it is, anything else between « and », which it cannot contain itself. It may be cut
 * here, so secrets go here too: half of one would be known to nobody afterwards.
 */
export function quoteText(text: string, max = 160): string {
  const clean = outwardText(text, max);
  return plainWord.test(clean) ? clean : `«${clean.replaceAll('«', '‹').replaceAll('»', '›')}»`;
}

/** Removes our own marks again from what a model passes back. */
export function unquoteText(text: string): string {
  return text
    .trim()
    .replace(/^«(.*)»$/u, '$1')
    .trim();
}
