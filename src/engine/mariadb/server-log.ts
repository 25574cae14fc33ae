import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { redact } from '../../contract/redact.ts';

const longestRead = 1024 * 1024;

/** The size of a log now: what comes after it belongs to what starts next. */
export function logOffset(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The lines of a server's log after `offset`, redacted; at most the last MiB of them. */
export function logLinesSince(path: string, offset: number): string[] {
  const size = logOffset(path);
  const start = Math.max(Math.min(offset, size), size - longestRead);
  if (size <= start) return [];
  const buffer = Buffer.alloc(size - start);
  const file = openSync(path, 'r');
  try {
    readSync(file, buffer, 0, buffer.length, start);
  } finally {
    closeSync(file);
  }
  return redact(buffer.toString('utf8')).split('\n').filter(Boolean);
}

/** The lines that say an error: `[ERROR]`, and the bare `ERROR:` of a failed statement in an init file. */
export function errorLines(lines: readonly string[]): string[] {
  return lines.filter((line) => line.includes('[ERROR]') || line.startsWith('ERROR: '));
}

/** A few errors of a log for a message: without their time stamps, at most three. */
export function sayErrors(lines: readonly string[]): string {
  const errors = errorLines(lines).map((line) => line.replace(/^\S+ +\S+ +\d+ /, '').slice(0, 300));
  return errors.slice(0, 3).join(' | ');
}
