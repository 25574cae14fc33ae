import { lstatSync, readFileSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import type { DataPlace } from './data-place.ts';

/**
 * The mount points at or inside a directory, links resolved. By the kernel's own table: a bind mount of the same file
 * system has the device of its neighbours, and cannot be renamed either. None where there is no such table.
 */
export function mountsWithin(directory: string, table: string = mountTable()): string[] {
  return table
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`));
}

export function isMountPoint(directory: string): boolean {
  return mountsWithin(directory).includes(directory);
}

/**
 * Throws `unsupported_layout` for data that renames do not move: a link, or a folder with a mount point in it. Better said
 * now than with the target stopped.
 */
export function refuseMounts({ data, by }: Pick<DataPlace, 'data' | 'by'>): void {
  const stat = lstatSync(data, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const mounted = mountsWithin(data).find((point) => by === 'directory' || point !== data);
  if (mounted === undefined && stat.isDirectory()) return;
  const what = mounted === undefined ? `${data} is a link` : `${mounted} is a mount point`;
  throw new SkybackupError('unsupported_layout', `${what}, so the data cannot be exchanged by renaming them.`, {
    hint: 'Restore into a new service; or stop the service, move its files into a plain directory of that name, start it, and restore again.',
  });
}

function mountTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Blanks, tabs, line ends and backslashes stand there in octal. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
