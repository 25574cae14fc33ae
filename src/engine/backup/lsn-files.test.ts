import { describe, expect, it } from 'vitest';
import { parsePosition } from './lsn-files.ts';

const checkpoints =
  'backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = 9007199254740993\nlast_lsn = 9007199254740995\n';

describe('positions of a backup', () => {
  it('keep every digit of an LSN', () => {
    expect(parsePosition(checkpoints, '').lsn).toEqual({ from: '0', to: '9007199254740993', last: '9007199254740995' });
  });

  it('carry file, position and GTIDs of all domains', () => {
    const info = `tool_version = 10.11.19-MariaDB
binlog_pos = filename 'binlog.000012', position '5407398', GTID of the last change '0-1-29,
1-2-7'
innodb_from_lsn = 0`;
    expect(parsePosition(checkpoints, info)).toMatchObject({
      binlog: { file: 'binlog.000012', position: 5_407_398, gtid: '0-1-29,1-2-7' },
      toolVersion: '10.11.19-MariaDB',
    });
  });

  it('are without a binary log where the server writes none, and without GTID before its first transaction', () => {
    expect(parsePosition(checkpoints, 'binlog_pos = \ninnodb_from_lsn = 0').binlog).toBeNull();
    expect(parsePosition(checkpoints, "binlog_pos = filename 'b.1', position '328'").binlog).toEqual({
      file: 'b.1',
      position: 328,
      gtid: '',
    });
  });

  it('that are missing make the backup fail', () => {
    expect(() => parsePosition('from_lsn = 0\n', '')).toThrow(expect.objectContaining({ code: 'backup_failed' }));
  });
});
