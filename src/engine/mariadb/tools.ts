import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { runCommand } from './command.ts';

/** Programs the engine runs: the names they go by, newest first, and the Debian package that brings them. */
const tools = {
  'mariadb-backup': { names: ['mariadb-backup', 'mariabackup'], package: 'mariadb-backup' },
  mbstream: { names: ['mbstream'], package: 'mariadb-backup' },
  mariadbd: { names: ['mariadbd', 'mysqld'], package: 'mariadb-server-core' },
  'mariadb-install-db': { names: ['mariadb-install-db', 'mysql_install_db'], package: 'mariadb-server-core' },
  mariadb: { names: ['mariadb', 'mysql'], package: 'mariadb-client-core' },
  my_print_defaults: { names: ['my_print_defaults'], package: 'mariadb-client-core' },
  'mariadb-admin': { names: ['mariadb-admin', 'mysqladmin'], package: 'mariadb-client' },
  'mariadb-binlog': { names: ['mariadb-binlog', 'mysqlbinlog'], package: 'mariadb-client' },
  'mariadb-dump': { names: ['mariadb-dump', 'mysqldump'], package: 'mariadb-client' },
  'mariadb-tzinfo-to-sql': { names: ['mariadb-tzinfo-to-sql', 'mysql_tzinfo_to_sql'], package: 'mariadb-client' },
  zstd: { names: ['zstd'], package: 'zstd' },
  // mariadb-binlog hands a raw log to a file only; a named pipe is one.
  mkfifo: { names: ['mkfifo'], package: 'coreutils' },
  cat: { names: ['cat'], package: 'coreutils' },
  chcon: { names: ['chcon'], package: 'coreutils' },
  stat: { names: ['stat'], package: 'coreutils' },
  systemctl: { names: ['systemctl'], package: 'systemd' },
  age: { names: ['age'], package: 'age' },
  'age-keygen': { names: ['age-keygen'], package: 'age' },
} as const satisfies Record<string, { names: readonly string[]; package: string }>;

export type Tool = keyof typeof tools;

/** Looked in after PATH: hosts with a window give a PATH of a few entries, and servers live in sbin. */
const standardDirectories = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/local/mysql/bin',
  '/opt/homebrew/bin',
];

/** Absolute path of a program. Throws `tool_missing` naming the Debian package. */
export function findTool(
  tool: Tool,
  path: string = process.env.PATH ?? '',
  others: readonly string[] = standardDirectories,
): string {
  const directories = [...path.split(delimiter).filter((entry) => entry.startsWith('/')), ...others];
  const row = tools[tool];
  for (const name of row.names) {
    const found = directories.map((directory) => join(directory, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  throw new SkybackupError('tool_missing', `The program ${tool} is not installed, or not where it is looked for.`, {
    hint: `Install it: apt-get install ${row.package} (elsewhere: the package that brings ${tool}).`,
    details: { tool, package: row.package },
  });
}

/** What each file said of itself, as long as it is that file: every backup and restore asks. */
const saidVersions = new Map<string, string>();

/** The version a program prints of itself, for example `10.11.19` or `1.5.4`. */
export async function toolVersion(tool: Tool, signal?: AbortSignal): Promise<string> {
  const path = findTool(tool);
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const file = [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  const said = saidVersions.get(file) ?? (await askVersion(tool, path, signal));
  saidVersions.set(file, said);
  return said;
}

async function askVersion(tool: Tool, path: string, signal: AbortSignal | undefined): Promise<string> {
  const { stdout, stderr } = await runCommand({ path, args: ['--version'] }, signal === undefined ? {} : { signal });
  const text = `${stdout}\n${stderr}`;
  // The client prints its own "Ver 15.1" before the server series it belongs to.
  const version = /Distrib (\d+\.\d+\.\d+)/.exec(text)?.[1] ?? /(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1];
  if (version !== undefined) return version;
  throw new SkybackupError('tool_missing', `The program ${tool} does not say its version.`, {
    hint: `Install it anew: apt-get install --reinstall ${tools[tool].package}.`,
  });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
