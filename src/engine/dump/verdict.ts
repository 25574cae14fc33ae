import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit } from '../mariadb/command.ts';

/** Whether SQL text ends with mariadb-dump's own mark, which it writes only after everything went well. */
export function endsCompleted(tail: string): boolean {
  return /(?:^|\n)-- Dump completed(?: on [^\n]*)?\s*$/.test(tail);
}

/** What is wrong with a dump's pipe that ended; undefined: nothing. `lines` is what mariadb-dump wrote to stderr, `tail` its last output. */
export function dumpVerdict(
  exits: readonly CommandExit[],
  lines: readonly string[],
  tail: string,
): SkybackupError | undefined {
  const [dump] = exits;
  const complaints = lines.filter((line) => line.trim() !== '' && !isWarning(line));
  const bad = exits.filter((exit) => exit.code !== 0);
  if (bad.length === 0 && complaints.length === 0) {
    if (endsCompleted(tail)) return undefined;
    return new SkybackupError(
      'backup_failed',
      'mariadb-dump ended without its "Dump completed": the dump is cut short.',
    );
  }
  // A member that was killed is the cause of the others' broken pipes.
  const killed = bad.find((exit) => exit.signal === 'SIGKILL');
  const cause = killed ?? (dump !== undefined && complaints.length > 0 ? dump : bad[0]);
  if (cause === undefined) return new SkybackupError('backup_failed', 'The dump failed.');
  return cause === dump ? dumpFailure(cause, complaints) : new SkybackupError('backup_failed', describeExit(cause));
}

/** A line of stderr that is for people and no error. */
export function isWarning(line: string): boolean {
  return /^(-- )?(mariadb-dump: |mysqldump: )?\[?warning\b/i.test(line);
}

/** mariadb-dump's failure as ours, by the error numbers in its words. */
export function dumpFailure(exit: CommandExit, complaints: readonly string[]): SkybackupError {
  const words = complaints
    .slice(0, 3)
    .map((line) => line.replace(/^(mariadb-dump|mysqldump): /, '').slice(0, 500))
    .join(' | ');
  const numbers = new Set(
    complaints.flatMap((line) => (/(?:error:? |\()(\d{4})\b/i.exec(line)?.[1] ?? []) as string | []).map(Number),
  );
  const has = (...wanted: number[]): boolean => wanted.some((number) => numbers.has(number));

  if (exit.signal === 'SIGKILL' || words === '') return new SkybackupError('backup_failed', describeExit(exit));
  if (has(1412, 1146, 1051, 1049, 1054, 1305)) {
    return new SkybackupError('backup_failed', `A table or database was changed while it was dumped: ${words}`, {
      hint: 'Take the dump again, at an hour in which no table is made, changed or dropped.',
      retryable: true,
    });
  }
  if (has(1045, 1698, 1130)) return new SkybackupError('access_denied', `The server refused the backup user: ${words}`);
  if (has(1227, 1142, 1044, 1143, 1370)) {
    return new SkybackupError('privilege_missing', `The backup user lacks a privilege for a dump: ${words}`);
  }
  if (has(2002, 2003, 2006, 2013, 1053, 1927)) {
    return new SkybackupError('service_down', `The server went away during the dump: ${words}`);
  }
  if (has(1205)) return new SkybackupError('lock_timeout', `The server did not grant a lock of the dump: ${words}`);
  return new SkybackupError('backup_failed', `mariadb-dump failed: ${words}`);
}
