import { SkybackupError } from '../../contract/errors.ts';
import type { Manifest } from '../repository/manifest.ts';

/**
 * The position that mariadb-dump notes, in comments, of the moment its data is of: the binary log's file and offset at its
 * head, and the GTID there or, where the tables of `mysql` are left out, at its end.
 */
export function readDumpPosition(head: string, tail: string): NonNullable<Manifest['binlog']> {
  const [, file, position] = /^-- CHANGE MASTER TO MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+);/m.exec(head) ?? [];
  if (file === undefined) {
    throw new SkybackupError('backup_failed', 'mariadb-dump recorded no position in the binary log.');
  }
  const gtid = /^-- SET GLOBAL gtid_slave_pos='([^']*)';/m;
  const found = gtid.exec(head)?.[1] ?? gtid.exec(tail)?.[1] ?? '';
  return { file, position: Number(position), gtid: found.replace(/\s+/g, '') };
}
