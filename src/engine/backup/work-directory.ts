import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '../mariadb/process-identity.ts';

const prefix = 'skybackup-work-';

export interface WorkDirectory {
  path: string;
  /** For the option file with the password. */
  optionFile: string;
  /** Where mariadb-backup leaves its LSNs and positions. */
  lsn: string;
  /** mariadb-backup makes a target directory even when it streams. */
  target: string;
}

/**
 * A 0700 directory for what a running backup needs beside the stream: some small files, one of them with a password.
 * Its name says whose it is, so that one left by a killed process is told from one in use.
 */
export async function withWorkDirectory<T>(work: (directory: WorkDirectory) => Promise<T>): Promise<T> {
  await sweepWorkDirectories();
  const self = identify(process.pid);
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-${self?.start_time ?? '0'}-`));
  try {
    const directory = {
      path,
      optionFile: join(path, 'tool.cnf'),
      lsn: join(path, 'lsn'),
      target: join(path, 'target'),
    };
    await mkdir(directory.lsn);
    await mkdir(directory.target);
    return await work(directory);
  } finally {
    await removeDirectory(path);
  }
}

/** A killed process may still be writing its last file in there, or another daemon be sweeping the same. */
function removeDirectory(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
}

/** Removes this user's work directories whose process is gone. Returns how many. */
export async function sweepWorkDirectories(): Promise<number> {
  let swept = 0;
  for (const name of await readdir(tmpdir())) {
    const [, pid, startTime] = /^skybackup-work-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || identify(Number(pid))?.start_time === startTime) continue;
    const path = join(tmpdir(), name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.uid !== process.getuid?.()) continue;
    await removeDirectory(path);
    swept += 1;
  }
  return swept;
}
