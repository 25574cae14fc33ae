import { type Logger, pino } from 'pino';
import { redact } from '../contract/redact.ts';

/** The daemon's log: JSON lines on stderr, each with every secret taken out. */
export function createLog(level = 'info'): Logger {
  return pino(
    { name: 'skybackup', level, base: { pid: process.pid }, hooks: { streamWrite: (line) => redact(line) } },
    // Synchronous: the last lines before a crash are the ones that matter.
    pino.destination({ fd: 2, sync: true }),
  );
}
