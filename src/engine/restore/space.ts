import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { DataPlace } from './data-place.ts';
import type { RestoreSource } from './source.ts';

/** Redo log (96 MiB), temporary tablespace and what preparing adds, whatever the backup's size. */
const fixedBytes = 160 * 1024 * 1024;

export interface RestoreSpace {
  /** Bytes that the new data take for certain; old ones stay beside them. */
  needed: number;
  /** Bytes of the binary logs that are replayed: about what the data grow by at most, where all of them insert rows. */
  replayed: number;
  /** Bytes free for this user on that folder's file system. */
  free: number;
  /** The folder that was measured. */
  place: string;
}

/** What the data of a source take in a folder, and what is free there. */
export function restoreSpace(source: RestoreSource, { beside }: Pick<DataPlace, 'beside'>): RestoreSpace {
  // Of a first restore it is still to be made.
  let place = beside;
  while (!existsSync(place)) place = dirname(place);
  return { needed: neededBytes(source), replayed: replayedBytes(source), free: freeBytes(place), place };
}

/** Throws `no_space` naming both figures when the new data do not fit beside the old. */
export function checkSpace(space: RestoreSpace): void {
  if (space.needed <= space.free) return;
  throw noSpace(`The restore needs ${megabytes(space.needed)} beside the present data`, space);
}

/**
 * What to say when the new data fit, and might not if every replayed log added its own length. It is no reason to refuse:
 * rows that are changed over and over make long logs and no larger data.
 */
export function spaceWarning({ needed, replayed, free, place }: RestoreSpace): string | undefined {
  if (replayed === 0 || needed > free || needed + replayed <= free) return undefined;
  return `The binary logs to be replayed hold ${megabytes(replayed)}, and how much of it the data keep is not known: with all of it about ${megabytes(needed + replayed)} would be needed, and ${place} has ${megabytes(free)} free. Should that not do, the restore ends without touching the target.`;
}

/** `no_space` for a disk that filled up on the way. */
export function spaceRanOut(space: RestoreSpace, cause?: unknown): SkybackupError {
  return noSpace(`The disk filled up during the restore, which needs ${megabytes(space.needed)}`, space, cause);
}

/** `no_space` for a disk that filled up while logs were replayed; `done` bytes of them were. */
export function replayRanOut({ place, free, done, total }: ReplayRoom): SkybackupError {
  const left = Math.max(total - done, 0);
  return new SkybackupError(
    'no_space',
    `The disk filled up while the binary logs were replayed: ${megabytes(done)} of their ${megabytes(total)} were, and ${place} has ${megabytes(free)} free.`,
    {
      hint: `Free about ${megabytes(left)} more there than was free before, then try again. What is in use was not touched.`,
      details: { free, place, replayed: done, logs: total },
    },
  );
}

export interface ReplayRoom {
  place: string;
  free: number;
  done: number;
  total: number;
}

/** Whether an error, or the words of a tool or a server, mean a full disk. */
export function meansNoSpace(words: unknown): boolean {
  if (words instanceof Error && 'code' in words && (words.code === 'ENOSPC' || words.code === 'EDQUOT')) return true;
  const text = words instanceof Error ? words.message : String(words);
  return /No space left on device|Disk quota exceeded|Errcode: (28|122)\b|(error|OS errno|Error number) (28|122)\b|Disk is full/i.test(
    text,
  );
}

function neededBytes(source: RestoreSource): number {
  const [, ...increments] = source.backups;
  // One increment at a time lies beside the data while it is applied.
  const largest = Math.max(0, ...increments.map(({ disk_bytes }) => disk_bytes));
  // What the private server logs of the replayed logs lies beside the data as well, of one at a time.
  const longest = Math.max(0, ...partsOf(source));
  return Math.ceil(dataBytes(source) * 1.05) + Math.max(largest, longest) + fixedBytes;
}

function replayedBytes(source: RestoreSource): number {
  return partsOf(source).reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes of each log that are replayed. */
function partsOf({ rollForward }: RestoreSource): number[] {
  if (rollForward === undefined) return [];
  const { logs, cut } = rollForward;
  return logs.map(({ log }, index) => {
    const end = index === logs.length - 1 ? cut.end : log.bytes;
    return Math.max(0, end - (index === 0 ? cut.begin : 0));
  });
}

/**
 * About how large the data of a source become. Increments write most of their pages over pages of the full: what they add is
 * what the tables have grown by, and never more than the increments themselves.
 */
export function dataBytes({ backups }: RestoreSource): number {
  const [full, ...increments] = backups;
  // Of a dump, its text or its tables: which of them is larger depends on what they hold.
  if (full.type === 'dump') return Math.max(full.disk_bytes, tableBytes(full));
  const last = increments.at(-1);
  if (last === undefined) return full.disk_bytes;
  const brought = increments.reduce((sum, { disk_bytes }) => sum + disk_bytes, 0);
  const grown = Math.max(0, tableBytes(last) - tableBytes(full));
  return full.disk_bytes + Math.min(brought, grown);
}

function tableBytes({ tables }: Manifest): number {
  return tables.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

export function freeBytes(place: string): number {
  const { bavail, bsize } = statfsSync(place);
  return bavail * bsize;
}

function noSpace(what: string, space: RestoreSpace, cause?: unknown): SkybackupError {
  return new SkybackupError('no_space', `${what}, and ${space.place} has ${megabytes(space.free)} free.`, {
    hint: `Free at least ${megabytes(Math.max(space.needed - space.free, 1024 * 1024))} there, then restore again. The target was not touched.`,
    details: { needed: space.needed, free: space.free, place: space.place },
    cause,
  });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
