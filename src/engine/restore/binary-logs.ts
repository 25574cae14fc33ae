import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeDurably, renameDurably, writeDurably } from '../managed/durable-file.ts';
import type { RunAs } from './data-place.ts';

/**
 * The private server keeps its binary log under this name. A target that calls its own so goes on with it; to any other the
 * GTID state is handed over by a `.state` file, which a server without logs reads at its start.
 */
const ownName = 'binlog';

/** Binary logs that lie outside of the data directory: they are moved aside and back with the data. */
export interface OutsideLogs {
  /** `/var/log/mysql/mariadb-bin` of `/var/log/mysql/mariadb-bin.000001`. */
  base: string;
  /** Where the old ones are kept, in the same folder: another one may be on another file system. */
  kept: string;
  as: RunAs;
}

export function outsideLogs(base: string, data: string, restoreId: number, as: RunAs): OutsideLogs | undefined {
  if (base === '' || dirname(base) === data) return undefined;
  return { base, kept: `${base}.before-restore-${restoreId}`, as };
}

/** Removes from new data every log that the target would not take for its own, and leaves it the GTID state. */
export function handOverState(fresh: string, data: string, base: string, gtids: string, as: RunAs): void {
  if (base === join(data, ownName)) return;
  removeLogs(join(fresh, ownName));
  if (dirname(base) !== data) return;
  removeLogs(join(fresh, basename(base)));
  writeState(join(fresh, basename(base)), gtids, as);
}

/**
 * Lets the index of the logs in a moved data directory name them where they are. A server that was given the path of its
 * logs names them by it: another one on the moved data would read, and empty, the logs that lie there now.
 */
export function indexByName(base: string): void {
  const index = `${base}.index`;
  if (!existsSync(index)) return;
  const names = readFileSync(index, 'utf8').split('\n').filter(Boolean);
  const { uid, gid, mode } = statSync(index);
  writeDurably(index, names.map((name) => `./${basename(name)}\n`).join(''), mode & 0o777);
  chownSync(index, uid, gid);
}

/** The old logs out of the way. Safe to repeat. */
export function logsAside({ base, kept, as }: OutsideLogs): void {
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  if (as.uid !== undefined) chownSync(kept, as.uid, as.gid ?? -1);
  for (const path of logFiles(base)) renameSync(path, join(kept, basename(path)));
  // From here on a log under the old name is one of the new data.
  writeDurably(join(kept, allAside), '');
}

export function logsIn({ base, as }: OutsideLogs, gtids: string): void {
  writeState(base, gtids, as);
}

/** The old logs in again, and those of the new data gone. Safe to repeat, whatever had been reached. */
export function logsBack({ base, kept }: OutsideLogs): void {
  if (!existsSync(kept)) return;
  if (existsSync(join(kept, allAside))) {
    removeLogs(base);
    removeDurably(join(kept, allAside));
  }
  for (const name of readdirSync(kept)) renameDurably(join(kept, name), join(dirname(base), name));
  rmSync(kept, { recursive: true, force: true });
}

const allAside = 'skybackup-all-aside';

function writeState(base: string, gtids: string, as: RunAs): void {
  const path = `${base}.state`;
  writeDurably(path, gtids === '' ? '' : `${gtids.split(',').join('\n')}\n`, 0o660);
  if (as.uid !== undefined) chownSync(path, as.uid, as.gid ?? -1);
}

function removeLogs(base: string): void {
  for (const path of logFiles(base)) rmSync(path, { force: true });
}

/** The logs of that name, their index and their state. */
function logFiles(base: string): string[] {
  const folder = dirname(base);
  const prefix = `${basename(base)}.`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^(\d{6,}|index|state)$/.test(name.slice(prefix.length)))
    .map((name) => join(folder, name));
}
