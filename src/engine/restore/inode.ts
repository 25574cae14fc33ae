import { statSync } from 'node:fs';

/** Identifies a directory whatever its name: `device:inode`; empty when there is none. */
export function inodeOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}`;
}
