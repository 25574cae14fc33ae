import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { noSchemasIn } from '../mariadb/no-schemas.ts';
import type { Staging } from './staging.ts';

/** A folder's `xtrabackup_checkpoints` as mariadb-backup wrote it; empty when it is missing. */
export function readCheckpoints(folder: string): Map<string, string> {
  return new Map(
    readOptional(join(folder, 'xtrabackup_checkpoints'))
      .split('\n')
      .map((line) => line.split('=').map((part) => part.trim()))
      .flatMap(([name, value]) => (name && value !== undefined ? [[name, value] as const] : [])),
  );
}

/** The GTID of the backup as mariadb-backup wrote it; empty when the source kept no binary log. */
export function readBackupGtid(folder: string): string {
  return readOptional(join(folder, 'xtrabackup_binlog_info')).trim().split('\t')[2] ?? '';
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** mariadb-backup takes each folder for a schema, and notes an empty one of what was none; a server says that as an error. */
export function removeNoSchemas(folder: string): void {
  for (const name of noSchemasIn(folder)) rmSync(join(folder, name), { recursive: true });
}

/** Removes what mariadb-backup wrote for itself: among a server's data it would only puzzle people and later backups. */
export function removeBackupFiles(staging: Staging): void {
  const own = [
    'backup-my.cnf',
    'xtrabackup_binlog_info',
    'xtrabackup_binlog_pos_innodb',
    'xtrabackup_checkpoints',
    'xtrabackup_info',
    'xtrabackup_slave_info',
    'xtrabackup_galera_info',
  ];
  for (const name of own) rmSync(join(staging.data, name), { force: true });
}
