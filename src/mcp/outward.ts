import { redact } from '../contract/redact.ts';
import { cleanData, cleanText } from './untrusted-text.ts';

/** Beyond this nothing is read: no pattern may be made to work on a megabyte. */
const longest = 20_000;

/** One line as it may leave the process: without secrets, without anything invisible, not longer than `max`. */
export function outwardText(text: string, max: number): string {
  // Redacted before cutting, so that no half of a secret stays, and after cleaning, so that none was hidden by invisible letters.
  const redacted = redact(text.slice(0, longest));
  const clean = cleanText(redacted, max);
  return clean === redacted ? clean : redact(clean);
}

/** Structured data as it may leave the process. Members that are undefined are left out. */
export function outwardData(data: Record<string, unknown>, max: number): Record<string, unknown> {
  return cleanData(data, max, outwardText) as Record<string, unknown>;
}
