import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';

export interface BackupPosition {
  /** Decimal text: they pass 2^53. */
  lsn: { from: string; to: string; last: string };
  /** null when the server writes no binary log. */
  binlog: { file: string; position: number; gtid: string } | null;
  toolVersion: string;
}

/** Reads what mariadb-backup left in `--extra-lsndir`. */
export async function readPosition(directory: string): Promise<BackupPosition> {
  const [checkpoints, info] = await Promise.all(
    ['xtrabackup_checkpoints', 'xtrabackup_info'].map((name) =>
      readFile(join(directory, name), 'utf8').catch((error: unknown) => {
        throw new SkybackupError('backup_failed', `mariadb-backup left no ${name}.`, { cause: error });
      }),
    ),
  );
  return parsePosition(checkpoints ?? '', info ?? '');
}

/** The texts of `xtrabackup_checkpoints` and `xtrabackup_info`, in which values may run over several lines. */
export function parsePosition(checkpoints: string, info: string): BackupPosition {
  const lsn = (name: string): string => {
    const value = new RegExp(`^${name} = (\\d+)$`, 'm').exec(checkpoints)?.[1];
    if (value !== undefined) return value;
    throw new SkybackupError(
      'backup_failed',
      `mariadb-backup recorded no ${name}: the backup could not be built upon.`,
    );
  };
  const [, file, position, gtid = ''] =
    /^binlog_pos = filename '([^']+)', position '(\d+)'(?:, GTID of the last change '([^']*)')?/m.exec(info) ?? [];
  return {
    lsn: { from: lsn('from_lsn'), to: lsn('to_lsn'), last: lsn('last_lsn') },
    // With several domains the list is wrapped.
    binlog: file === undefined ? null : { file, position: Number(position), gtid: gtid.replace(/\s+/g, '') },
    toolVersion: /^tool_version = (\S+)/m.exec(info)?.[1] ?? 'unknown',
  };
}
