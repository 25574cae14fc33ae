import { readdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';

/**
 * Layouts that a swap of the data directory would break, each named by its variable or path. With the redo log elsewhere,
 * a restored server replays the old redo onto the new files: the damage comes back, and CHECK TABLE calls it well.
 */
export async function layoutObstacles(
  datadir: string,
  variables: Readonly<Record<string, string>>,
): Promise<SkybackupError[]> {
  const obstacles: SkybackupError[] = [];
  const refuse = (message: string, details: Record<string, unknown>): void => {
    obstacles.push(new SkybackupError('unsupported_layout', message, { details }));
  };

  for (const name of [
    'innodb_log_group_home_dir',
    'innodb_undo_directory',
    'innodb_data_home_dir',
    'aria_log_dir_path',
  ]) {
    const value = variables[name];
    if (value === undefined || value === '') continue;
    if ((await real(resolve(datadir, value))) === (await real(datadir))) continue;
    refuse(`${name} is ${value}, outside of the data directory ${datadir}.`, { variable: name, value });
  }
  const path = variables.innodb_data_file_path ?? '';
  // Even inside, a path with a directory is taken by a server on copied files to mean the original ones.
  if (path.split(';').some((file) => file.split(':')[0]?.includes('/'))) {
    refuse(`innodb_data_file_path names files by directory (${path}).`, {
      variable: 'innodb_data_file_path',
      value: path,
    });
  }
  if (/^(ON|1)$/i.test(variables.wsrep_on ?? '')) {
    refuse('The server is a node of a Galera cluster (wsrep_on=ON).', { variable: 'wsrep_on', value: 'ON' });
  }
  if (variables.rocksdb_datadir !== undefined) {
    refuse('The RocksDB engine is loaded; its files are kept by other means.', { variable: 'rocksdb_datadir' });
  }
  const outward = await outwardEntry(datadir);
  if (outward !== undefined) {
    refuse(`${outward.path} ${outward.why}: its files are outside of the data directory.`, { path: outward.path });
  }
  return obstacles;
}

/** The first symbolic link or `.isl` file in the directory and its schemas. */
async function outwardEntry(datadir: string): Promise<{ path: string; why: string } | undefined> {
  const directories = [datadir];
  for (const directory of directories) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isSymbolicLink()) return { path, why: 'is a symbolic link' };
      if (entry.name.endsWith('.isl')) return { path, why: 'points to a tablespace elsewhere' };
      if (entry.isDirectory() && directory === datadir) directories.push(path);
    }
  }
  return undefined;
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
