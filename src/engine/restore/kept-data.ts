import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { removeDurably, renameDurably, writeDurably } from '../managed/durable-file.ts';
import { removeEmpty } from './beside.ts';
import { type DataPlace, keptPath } from './data-place.ts';

/** Beside every kept data directory: what an undo needs, and until when it is possible. */
const KeptData = z.looseObject({
  format: z.literal(1),
  service_id: z.string(),
  restore_id: z.number().int(),
  /** The data directory of before the restore. Its own marker and options are inside. */
  path: z.string(),
  /** Its binary logs, where they lay outside of it. */
  logs: z.string().optional(),
  /** Incarnation of these data, and of those that replaced them. */
  incarnation: z.string(),
  replaced_by: z.string(),
  kept_at: z.string(),
  kept_until: z.string(),
});
export type KeptData = z.infer<typeof KeptData>;

const prefix = 'data.before-restore-';
const removing = 'removing-';

export function recordKeptData(place: DataPlace, kept: KeptData): void {
  writeDurably(`${keptPath(place, kept.restore_id)}.json`, `${JSON.stringify(kept, undefined, 2)}\n`);
}

/** The data of before earlier restores that are still there, oldest first. */
export function listKeptData({ beside }: DataPlace): KeptData[] {
  if (!existsSync(beside)) return [];
  return readdirSync(beside)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .flatMap((name) => {
      const kept = recordOf(join(beside, name));
      return kept !== undefined && existsSync(kept.path) ? [kept] : [];
    })
    .sort((a, b) => a.kept_at.localeCompare(b.kept_at));
}

/**
 * Removes the kept data of a place whose time has passed; returns their records. Safe to repeat after an interruption.
 * `inUse` is asked before each step: while data are exchanged, kept ones are being put back or are without their record.
 */
export async function expireKeptData(place: DataPlace, now: Date, inUse = () => false): Promise<KeptData[]> {
  const expired = listKeptData(place).filter((kept) => Date.parse(kept.kept_until) <= now.getTime());
  const removed: KeptData[] = [];
  for (const kept of expired) {
    if (inUse()) return removed;
    await removeKeptData(place, kept.path);
    removed.push(kept);
  }
  if (!inUse()) await removeCondemned(place);
  return removed;
}

/** Removes one kept data directory of a place, by its path; anything else than kept data is refused. */
export async function removeKeptData(place: DataPlace, path: string): Promise<void> {
  const { beside } = place;
  const [, restoreId] = /^data\.before-restore-(\d+)$/.exec(basename(path)) ?? [];
  if (restoreId === undefined || path !== keptPath(place, Number(restoreId))) {
    throw new SkybackupError('invalid_request', `${path} is no kept data of ${place.data}.`);
  }
  const logs = recordOf(`${path}.json`)?.logs;
  // The name and the record first: half-removed data must never look like something that could be put back.
  if (existsSync(path)) renameDurably(path, join(beside, `${removing}${restoreId}`));
  await removeLogs(logs);
  if (existsSync(beside)) removeDurably(`${path}.json`);
  await rm(join(beside, `${removing}${restoreId}`), { recursive: true, force: true, maxRetries: 3 });
  removeEmpty(place);
}

/** Removes what an interrupted removal left, and records whose data are gone. */
export async function removeCondemned(place: DataPlace): Promise<void> {
  const { beside } = place;
  if (!existsSync(beside)) return;
  for (const name of readdirSync(beside)) {
    if (name.startsWith(removing)) await rm(join(beside, name), { recursive: true, force: true, maxRetries: 3 });
    const data = name.startsWith(prefix) && name.endsWith('.json') ? join(beside, name.slice(0, -5)) : undefined;
    if (data === undefined || existsSync(data)) continue;
    await removeLogs(recordOf(`${data}.json`)?.logs);
    rmSync(join(beside, name), { force: true });
  }
  removeEmpty(place);
}

function recordOf(path: string): KeptData | undefined {
  if (!existsSync(path)) return undefined;
  const kept = KeptData.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  return kept.success ? kept.data : undefined;
}

async function removeLogs(logs: string | undefined): Promise<void> {
  if (logs === undefined || !/\.before-restore-\d+$/.test(logs)) return;
  await rm(logs, { recursive: true, force: true, maxRetries: 3 });
}
