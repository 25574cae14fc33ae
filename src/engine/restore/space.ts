import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { DataPlace } from './data-place.ts';
import type { RestoreSource } from './source.ts';

/** Redo log (96 MiB), temporary tablespace and what preparing adds, whatever the backup's size. */
const fixedBytes = 160 * 1024 * 1024;

export interface RestoreSpace {
  /** Bytes that the new data take; old ones stay beside them. */
  needed: number;
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
  return { needed: neededBytes(source), free: freeBytes(place), place };
}

/** Throws `no_space` naming both figures when the new data do not fit beside the old. */
export function checkSpace(space: RestoreSpace): void {
  if (space.needed <= space.free) return;
  throw noSpace(`The restore needs ${megabytes(space.needed)} beside the present data`, space);
}

/** `no_space` for a disk that filled up on the way. */
export function spaceRanOut(space: RestoreSpace, cause?: unknown): SkybackupError {
  return noSpace(`The disk filled up during the restore, which needs ${megabytes(space.needed)}`, space, cause);
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
  // Of the logs too one at a time, and what the private server logs of it. How much of them the data keep is not known.
  const longest = Math.max(0, ...(source.rollForward?.logs ?? []).map(({ log }) => log.bytes));
  return Math.ceil(dataBytes(source) * 1.05) + Math.max(largest, 2 * longest) + fixedBytes;
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
