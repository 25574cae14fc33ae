import { constants } from 'node:fs';
import { lstat, open, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markerName, readMarker } from '../managed/data-marker.ts';

/** Larger files are no configuration; they stay in the kept data. */
const largest = 16 * 1024 * 1024;

/** Files at the top of a data directory that belong to the data themselves, so that the old ones must not come along. */
const ofTheEngine: readonly RegExp[] = [
  /^ib(data|tmp|_logfile|_buffer_pool|_doublewrite)/,
  /^undo_?\d+/,
  /^aria_log/,
  /^binlog\./,
  /-bin\.(\d+|index|state)$/,
  /^(mysql|mariadb)_upgrade_info$/,
  /^(ddl_recovery|ddl_log|tc)\.log/,
  /^(xtrabackup|mariadb_backup)_/,
  /^backup-my\.cnf$/,
  /^(grastate\.dat|gvwstate\.dat|galera\.cache)$/,
  /^core(\.\d+)?$/,
  /\.(pid|sock|err|log|frm|ibd|MA[ID]|MY[ID]|TR[GN])$/,
  // Replication state never: the restored server must not go on as the replica that the old one was.
  /\.info$/,
  /relay-(log|bin)/,
];

/** The top-level files that a backup lacks and the server may need: keys, certificates, option files, flags. */
export async function filesToCarryOver(data: string): Promise<{ carried: string[]; left: string[] }> {
  const result: { carried: string[]; left: string[] } = { carried: [], left: [] };
  const own = new Set([markerName, ...dataFiles(readMarker(data)?.options.innodb_data_file_path ?? '')]);
  for (const entry of await readdir(data, { withFileTypes: true })) {
    if (!entry.isFile() || own.has(entry.name) || ofTheEngine.some((pattern) => pattern.test(entry.name))) continue;
    const { size } = await lstat(join(data, entry.name));
    result[size > largest ? 'left' : 'carried'].push(entry.name);
  }
  return result;
}

/** The names in an `innodb_data_file_path`: "system1:20M;system2:10M:autoextend". */
function dataFiles(path: string): string[] {
  return path.split(';').map((file) => file.split(':')[0] ?? '');
}

/** Through no link: whoever owns the directory could put one there that leads to what only we may read. */
async function readRegular(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Copies those files into the new data; what the backup brought itself is not replaced. Returns what was copied. */
export async function carryOver(data: string, fresh: string, names: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const name of names) {
    const [from, to] = [join(data, name), join(fresh, name)];
    try {
      await writeFile(to, await readRegular(from), { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') continue;
      throw error;
    }
    const { atime, mtime } = await lstat(from);
    await utimes(to, atime, mtime);
    copied.push(name);
  }
  return copied;
}
