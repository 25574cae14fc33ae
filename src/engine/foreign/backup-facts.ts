import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { fileOptions } from '../mariadb/server-options.ts';
import type { PhysicalManifest } from '../restore/restorable.ts';
import { readBackupGtid, readCheckpoints } from '../restore/unpacked-files.ts';
import type { ForeignObject } from './foreign-backup.ts';
import { damaged } from './layer.ts';
import { sketchManifest } from './sketch-manifest.ts';

/** What mariadb-backup wrote of a backup beside its data. */
export interface BackupFacts {
  manifest: PhysicalManifest;
  /** Its redo log was applied already. */
  prepared: boolean;
}

const preparedTypes = ['full-prepared', 'log-applied'];

/**
 * Reads what a foreign backup is from its own files, once they are unpacked. Throws `unsupported` for an incremental, for one
 * of MySQL, and for what is no backup; `unsupported_layout` for data that lie elsewhere.
 */
export function readBackupFacts(object: ForeignObject, folder: string, diskBytes: number): BackupFacts {
  const { url } = object;
  const missing = ['xtrabackup_checkpoints', 'xtrabackup_info', 'backup-my.cnf'].filter(
    (name) => !existsSync(join(folder, name)),
  );
  if (missing.length > 0)
    throw damaged(url, `it is no whole backup of mariadb-backup, without ${missing.join(' and ')}`);
  const checkpoints = readCheckpoints(folder);
  const type = checkpoints.get('backup_type') ?? 'unknown';
  const prepared = preparedTypes.includes(type);
  if (type !== 'full-backuped' && !prepared) {
    throw new SkybackupError('unsupported', `${url} is refused: by its xtrabackup_checkpoints it is of type ${type}.`, {
      hint: type.startsWith('incremental')
        ? 'An incremental alone is no data. Apply it to its full backup by hand, and restore that.'
        : 'Only a full backup can be restored.',
    });
  }
  const info = keyValues(join(folder, 'xtrabackup_info'));
  const version = info.get('server_version') ?? '';
  if (!/mariadb/i.test(version)) {
    throw new SkybackupError(
      'unsupported',
      `${url} is refused: it is of the server ${version || 'unknown'}, not of MariaDB.`,
      {
        hint: 'The data files of MySQL and Percona Server do not open in MariaDB: bring a dump instead.',
      },
    );
  }
  const [from, to] = [checkpoints.get('from_lsn'), checkpoints.get('to_lsn')];
  if (from === undefined || to === undefined) throw damaged(url, 'its xtrabackup_checkpoints tells no LSN');
  return {
    prepared,
    manifest: {
      ...sketchManifest(object, 'mariabackup', diskBytes),
      lsn: { from, to, last: checkpoints.get('last_lsn') ?? to },
      binlog: { ...logPosition(folder), gtid: readBackupGtid(folder) },
      server: { version, server_id: 1, hostname: '', options: readOptions(url, join(folder, 'backup-my.cnf')) },
      tool_version: info.get('tool_version') ?? '',
    },
  };
}

function logPosition(folder: string): { file: string; position: number } {
  const path = join(folder, 'xtrabackup_binlog_info');
  const [file = '', position = '0'] = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\t') : [];
  return { file, position: Number(position) || 0 };
}

/** What the files need to be opened; a part of them that lies elsewhere was not brought. */
function readOptions(url: string, file: string): Record<string, string> {
  const given = Object.fromEntries(keyValues(file));
  const options = fileOptions(given);
  for (const name of ['innodb_page_size', 'innodb_data_file_path']) {
    if (given[name] === undefined || options[name] !== undefined) continue;
    throw new SkybackupError('unsupported_layout', `${url} is refused: its ${name} is ${given[name]?.slice(0, 200)}.`, {
      hint: 'Data outside of the data directory are not restored: bring a dump instead.',
    });
  }
  return options;
}

function keyValues(file: string): Map<string, string> {
  return new Map(
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, name, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
        return name === undefined || value === undefined ? [] : [[name.replaceAll('-', '_'), value] as const];
      }),
  );
}
