import { redact } from '../contract/redact.ts';
import { cleanData, cleanText } from './clean-text.ts';

/** Beyond this nothing is read: no pattern may be made to work on a megabyte. */
const longest = 20_000;

/** One line as it may leave the process: without secrets, without anything invisible, not longer than `max`. */
export function outwardText(text: string, max: number): string {
  const whole = text.slice(0, longest);
  // Redacted once more when it is clean, so that no secret was hidden by invisible letters, and cut last, so that no half of one stays.
  const redacted = redact(whole);
  const clean = cleanText(redacted, longest);
  const cut = text.length > longest ? `${clean}…` : clean;
  return cleanText(clean === redacted ? cut : redact(cut), max);
}

/** Structured data as it may leave the process. Members that are undefined are left out. */
export function outwardData(data: Record<string, unknown>, max: number): Record<string, unknown> {
  return cleanData(data, max, outwardText) as Record<string, unknown>;
}
