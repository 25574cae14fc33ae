import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../mariadb/command.ts';
import { verdict } from './verdict.ts';

const ok = '[00] 2026-11-22 19:16:12 completed OK!';
const exit = (
  name: string,
  code: number | null,
  stderr: string[] = [],
  signal: NodeJS.Signals | null = null,
): CommandExit => ({
  name,
  code,
  signal,
  stderr,
});
const zstd = exit('zstd', 0);

describe('the verdict on a backup', () => {
  it('is good only when all ended 0 and the last line is "completed OK!"', () => {
    expect(verdict([exit('mariadb-backup', 0, ['x', ok, '']), zstd], [])).toBeUndefined();
    expect(verdict([exit('mariadb-backup', 0, [ok, 'one more']), zstd], [])).toMatchObject({ code: 'backup_failed' });
    expect(verdict([exit('mariadb-backup', 0, []), zstd], [])).toMatchObject({ code: 'backup_failed' });
    expect(verdict([exit('mariadb-backup', 0, [ok]), exit('zstd', 1, ['zstd: error'])], [])).toMatchObject({
      code: 'backup_failed',
      message: expect.stringContaining('zstd ended with code 1'),
    });
  });

  it('is bad for a foreign data directory, though everything says it went well', () => {
    const line = "Warning: option 'datadir' has different values:";
    expect(verdict([exit('mariadb-backup', 0, [ok]), zstd], [line])).toMatchObject({ code: 'wrong_data_directory' });
  });

  it.each([
    ['[00] 2026-11-22 19:11:53 Error: missing required privilege RELOAD on *.*', 'privilege_missing', 'RELOAD'],
    ['[00] 2026-11-22 19:11:53 Was only able to copy log from 44388 to 50000, not 90000', 'backup_failed', 'redo log'],
    [
      "[00] 2026-11-22 19:11:53 Failed to connect: Access denied for user 'b'@'localhost'",
      'access_denied',
      'Access denied',
    ],
    [
      '[00] FATAL ERROR: 2026-11-22 19:16:10 failed to execute query SHOW: Lost connection to server',
      'service_down',
      'went away',
    ],
    [
      '2026-11-22 19:16:10 0 [ERROR] InnoDB: Operating system error number 13: Permission denied',
      'unreadable_directory',
      'Permission',
    ],
  ] as const)('names the cause of %j', (line, code, words) => {
    const error = verdict([exit('mariadb-backup', 1, [line]), zstd], [line]);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(error?.message).not.toContain('2026-11-22 19');
  });

  it('tells the mend of an overwritten redo log', () => {
    const line = 'mariabackup: Try increasing the innodb_log_file_size.';
    expect(verdict([exit('mariadb-backup', 1, [line]), zstd], [line])?.hint).toContain('innodb_log_file_size');
  });

  it('names the member that was killed, not those that its death broke', () => {
    const backup = exit('mariadb-backup', 1, ['Broken pipe']);
    const killed = exit('zstd', null, [], 'SIGKILL');
    expect(verdict([backup, killed], [])?.message).toContain('zstd was killed by SIGKILL');
    const interrupted = exit('zstd', null, [], 'SIGINT');
    expect(verdict([backup, interrupted], [])?.message).toContain('mariadb-backup ended with code 1: Broken pipe');
  });
});
