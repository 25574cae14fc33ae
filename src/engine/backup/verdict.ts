import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit } from '../mariadb/command.ts';

/** What is wrong with a pipe that ended, from its exits and the lines mariadb-backup wrote; undefined: nothing. */
export function verdict(exits: readonly CommandExit[], notable: readonly string[]): SkybackupError | undefined {
  const [backup] = exits;
  const said = (pattern: RegExp): string | undefined => notable.find((line) => pattern.test(line));

  const elsewhere = said(/has different values/i);
  if (elsewhere !== undefined) {
    return new SkybackupError(
      'wrong_data_directory',
      `mariadb-backup was given another server's data directory: ${elsewhere}`,
    );
  }
  const bad = exits.filter((exit) => exit.code !== 0);
  const lastLine = backup?.stderr.filter((line) => line.trim() !== '').at(-1) ?? '';
  if (bad.length === 0) {
    if (/completed OK!$/.test(lastLine)) return undefined;
    return new SkybackupError(
      'backup_failed',
      `mariadb-backup ended without its "completed OK!": ${lastLine || 'it wrote nothing'}.`,
    );
  }

  const missing = notable.flatMap((line) => /missing required privilege (.+?) on/.exec(line)?.[1] ?? []);
  if (missing.length > 0) {
    return new SkybackupError('privilege_missing', `The backup user lacks ${missing.join(', ')}.`, {
      hint: `Grant it on the server: GRANT ${missing.join(', ')} ON *.* TO the backup user.`,
      details: { missing },
    });
  }
  const overwritten = said(/Was only able to copy log|required redo|increasing the innodb_log_file_size/i);
  if (overwritten !== undefined) {
    return new SkybackupError(
      'backup_failed',
      `The server overwrote its redo log before it could be copied: ${withoutTime(overwritten)}`,
      {
        hint: 'Make the redo log larger (SET GLOBAL innodb_log_file_size = …, and in the option file), or take the backup in a quieter hour.',
      },
    );
  }
  const refused = said(/Access denied/i);
  if (refused !== undefined)
    return new SkybackupError('access_denied', `The server refused the backup user: ${withoutTime(refused)}`);
  const unreadable = said(/Permission denied|errno: 13\b/i);
  if (unreadable !== undefined) {
    return new SkybackupError('unreadable_directory', `mariadb-backup may not read a file: ${withoutTime(unreadable)}`);
  }
  const down = said(/Can't connect|Lost connection|gone away/i);
  if (down !== undefined) {
    return new SkybackupError('service_down', `The server went away during the backup: ${withoutTime(down)}`);
  }
  // A member that was killed is the cause of the others' broken pipes.
  const cause = bad.find((exit) => exit.signal === 'SIGKILL') ?? bad.find((exit) => exit.signal === null) ?? bad[0];
  return new SkybackupError('backup_failed', cause === undefined ? 'The backup failed.' : describeExit(cause), {
    details: { exits: exits.map(({ name, code, signal }) => ({ name, code, signal })) },
  });
}

/** `[00] 2026-11-22 19:16:10 words` → `words`. */
function withoutTime(line: string): string {
  return line.replace(/^(\[\d+\] )?(FATAL ERROR: )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\d+ )?/, '').slice(0, 500);
}
