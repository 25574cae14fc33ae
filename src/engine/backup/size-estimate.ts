import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { noSchemas } from '../mariadb/no-schemas.ts';

/**
 * About how many bytes mariadb-backup will stream from a data directory: all files but binary and relay logs, redo and
 * temporary tablespaces, and logs for people.
 */
export async function estimateBytes(datadir: string, variables: Readonly<Record<string, string>>): Promise<number> {
  const logs = [variables.log_bin_basename, variables.relay_log_basename].flatMap((path) =>
    path ? [`${basename(path)}.`] : [],
  );
  const skipped = (name: string): boolean =>
    /^(ib_logfile|ibtmp|ib_buffer_pool|tc\.log)|\.(err|log|pid|sock)$/.test(name) ||
    logs.some((log) => name.startsWith(log));

  let bytes = 0;
  const directories = [datadir];
  for (const directory of directories) {
    for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
      const isSchema = entry.isDirectory() && !noSchemas.has(entry.name);
      if (isSchema && directory === datadir) directories.push(join(directory, entry.name));
      if (!entry.isFile() || (directory === datadir && skipped(entry.name))) continue;
      // Tables come and go meanwhile.
      bytes += await stat(join(directory, entry.name)).then(
        (found) => found.size,
        () => 0,
      );
    }
  }
  return bytes;
}
