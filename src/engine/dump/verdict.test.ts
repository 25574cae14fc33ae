import { describe, expect, it } from 'vitest';
import type { CommandExit } from '../mariadb/command.ts';
import { readDumpPosition } from './position.ts';
import { dumpVerdict, endsCompleted } from './verdict.ts';

const exit = (name: string, code: number | null = 0, signal: NodeJS.Signals | null = null): CommandExit => ({
  name,
  code,
  signal,
  stderr: [],
});
const well = [exit('mariadb-dump'), exit('zstd')];
const tail = '/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2026-11-22 19:45:26\n';

describe('a dump that ended', () => {
  it('is good only with every exit 0, its mark at the very end, and nothing but warnings on stderr', () => {
    expect(dumpVerdict(well, [], tail)).toBeUndefined();
    expect(dumpVerdict(well, ['', '-- Warning: column statistics not supported'], tail)).toBeUndefined();
    expect(dumpVerdict(well, [], `${tail}INSERT INTO`)?.message).toContain('cut short');
    expect(dumpVerdict(well, [], '')?.message).toContain('cut short');
    expect(dumpVerdict(well, ['mariadb-dump: Error 1234: words'], tail)?.message).toContain('words');
    expect(dumpVerdict([exit('mariadb-dump', 2), exit('zstd')], [], tail)?.code).toBe('backup_failed');
    expect(dumpVerdict([exit('mariadb-dump'), exit('zstd', 1)], [], tail)?.message).toContain('zstd ended with code 1');
  });

  it('names a killed member, and not the broken pipe of the others', () => {
    const exits = [exit('mariadb-dump', 5), exit('zstd', null, 'SIGKILL')];
    expect(dumpVerdict(exits, ['mariadb-dump: Got errno 32 on write'], '')?.message).toContain(
      'zstd was killed by SIGKILL',
    );
  });

  it.each([
    [
      'mariadb-dump: Error 1412: Table definition has changed, please retry transaction when dumping table `t` at row: 0',
      'backup_failed',
      'was changed while',
    ],
    [
      "mariadb-dump: Couldn't execute 'show create table `t`': Table 'a.t' doesn't exist (1146)",
      'backup_failed',
      'was changed while',
    ],
    [
      "mariadb-dump: Got error: 1045: \"Access denied for user 'b'@'localhost' (using password: YES)\" when trying to connect",
      'access_denied',
      'refused',
    ],
    [
      "mariadb-dump: Couldn't execute 'SHOW MASTER STATUS': Access denied; you need (at least one of) the SUPER, BINLOG MONITOR privilege(s) for this operation (1227)",
      'privilege_missing',
      'BINLOG MONITOR',
    ],
    [
      "mariadb-dump: Couldn't execute 'show events': Access denied for user 'b'@'localhost' to database 'x' (1044)",
      'privilege_missing',
      'show events',
    ],
    [
      'mariadb-dump: Error 2013: Lost connection to server during query when dumping table `t` at row: 7',
      'service_down',
      'went away',
    ],
    [
      "mariadb-dump: Error 2020: Got packet bigger than 'max_allowed_packet' bytes",
      'backup_failed',
      'max_allowed_packet',
    ],
  ])('tells the reason by its kind: %s', (line, code, words) => {
    const error = dumpVerdict([exit('mariadb-dump', 2), exit('zstd')], [line], '');
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    if (words === 'was changed while') expect(error?.retryable).toBe(true);
  });
});

it('the mark counts at the end alone', () => {
  expect(endsCompleted('-- Dump completed\n')).toBe(true);
  expect(endsCompleted("INSERT INTO t VALUES ('-- Dump completed')\n")).toBe(false);
  expect(endsCompleted('-- Dump completed on 2026\nSELECT 1;\n')).toBe(false);
});

it('the position is read from head and end, with every domain', () => {
  const head = "-- x\n-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000007', MASTER_LOG_POS=5407247;\n";
  const gtid = "-- SET GLOBAL gtid_slave_pos='0-1-5,\n1-2-7';\n";
  expect(readDumpPosition(head, `INSERT\n${gtid}${tail}`)).toEqual({
    file: 'binlog.000007',
    position: 5_407_247,
    gtid: '0-1-5,1-2-7',
  });
  expect(readDumpPosition(gtid + head, tail).gtid).toBe('0-1-5,1-2-7');
  expect(readDumpPosition(head, tail).gtid).toBe('');
  expect(() => readDumpPosition('', tail)).toThrow('no position');
});
