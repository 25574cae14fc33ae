import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type LogContents, LogScan, type LogWatch } from './log-scan.ts';

/** Thrown by a watch that has seen what it wanted. */
export const enough = new Error('enough was read');

/** Reads a log through; `watch` may end the reading early by throwing `enough`. What it holds; undefined when it was ended. */
export async function scanLog(
  bytes: Readable,
  name: string,
  watch: LogWatch,
  signal: AbortSignal,
): Promise<LogContents | undefined> {
  const scan = new LogScan(name, watch);
  try {
    await pipeline(bytes, scan, new Writable({ write: (_chunk, _encoding, done) => done() }), { signal });
  } catch (error) {
    if (error === enough) return undefined;
    throw error;
  }
  return scan.contents();
}
