import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit } from '../mariadb/command.ts';

export interface FetchEnd {
  name: string;
  /** As the server lists the file. */
  bytes: number;
  /** Of mariadb-binlog, and of those that took its bytes on. */
  source: CommandExit;
  others: readonly CommandExit[];
  /** Why the bytes were not taken to their end. */
  fed: unknown;
  /** Bytes that came, and where the last event ends in the server's file. */
  came: { bytes: number; end: number };
}

/** What went wrong with a log that was fetched, the cause before its consequences; undefined when it came whole. */
export function fetchFailure({ name, bytes, source, others, fed, came }: FetchEnd): SkybackupError | undefined {
  const torn = tornAt(source);
  // Killed by a signal it is a consequence of something else.
  if (torn === undefined && source.code !== null && source.code !== 0) return logFailure(name, source);
  if (fed instanceof SkybackupError) return fed;
  const bad = (torn === undefined ? [source, ...others] : others).filter(({ code }) => code !== 0);
  const cause = bad.find(({ signal }) => signal !== 'SIGINT' && signal !== 'SIGPIPE') ?? bad[0];
  if (cause !== undefined) return new SkybackupError('backup_failed', describeExit(cause));
  if (fed !== undefined) {
    return new SkybackupError('backup_failed', `The binary log ${name} could not be read to its end.`, { cause: fed });
  }
  // Not the bytes that came: of an encrypted log they may be fewer.
  const wanted = torn ?? bytes;
  if (came.end === wanted % 2 ** 32) return undefined;
  return new SkybackupError(
    'backup_failed',
    `The binary log ${name} has ${wanted} bytes on the server, and what came of it ends at ${came.end}.`,
  );
}

/** Where an event of the log is cut off: there the server stops handing it out. */
export function tornAt(source: CommandExit): number | undefined {
  const words = source.stderr.join('\n');
  const position = /truncated in the middle of event.*last event read from '[^']*' at (\d+)/is.exec(words)?.[1];
  return source.code === 0 || position === undefined ? undefined : Number(position);
}

/** Why the server did not hand a log out to its end. */
export function logFailure(name: string, exit: CommandExit): SkybackupError {
  const words = exit.stderr.join('\n');
  if (/Could not find first log file name|Could not open log file/i.test(words)) {
    return new SkybackupError(
      'backup_failed',
      `The server no longer has its binary log ${name}: it was purged meanwhile.`,
      { hint: 'Take a binarylog backup again: it goes on with the oldest log left, and says what is missing.' },
    );
  }
  if (/Access denied/i.test(words)) {
    return new SkybackupError('access_denied', `The server refused the backup user: ${describeExit(exit)}`);
  }
  if (/Can't connect|Lost connection|gone away/i.test(words)) {
    return new SkybackupError('service_down', `The server went away while ${name} was read: ${describeExit(exit)}`);
  }
  return new SkybackupError('backup_failed', describeExit(exit));
}
