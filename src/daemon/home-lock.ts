import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import { identify, isAlive } from '../engine/mariadb/process-identity.ts';

const Holder = z.strictObject({ pid: z.number().int(), start_time: z.string() });
type Holder = z.infer<typeof Holder>;

export type HomeLock = { held: true; release(): void } | { held: false; by: number };

/**
 * Makes this process the one daemon of a home, or tells which process is. The lock names its holder by pid and start time, so
 * one that a killed daemon left behind is recognised whatever process has its pid now.
 */
export function lockHome(home: Home): HomeLock {
  mkdirSync(home.root, { recursive: true, mode: 0o700 });
  const own = identify(process.pid);
  if (own === undefined) {
    throw new SkybackupError('unsupported', 'The daemon runs on Linux only: it knows processes by /proc.', {
      hint: 'Run the daemon on a Linux machine and point SKYBACKUP_URL at it.',
    });
  }
  return alone(home, () => {
    const holder = readHolder(home.lock);
    if (holder !== undefined && holder.pid !== process.pid && isAlive(holder)) return { held: false, by: holder.pid };
    const unfinished = `${home.lock}.${process.pid}`;
    writeFileSync(unfinished, `${JSON.stringify(own)}\n`, { mode: 0o600 });
    renameSync(unfinished, home.lock);
    return { held: true, release: () => release(home, own) };
  });
}

/** Two that find the same stale lock must not both take it: the look and the taking happen under a lock that the kernel frees. */
function alone<T>(home: Home, work: () => T): T {
  closeSync(openSync(home.state, 'a', 0o600));
  chmodSync(home.state, 0o600);
  const db = new DatabaseSync(home.state, { timeout: 10_000 });
  try {
    db.exec('BEGIN IMMEDIATE');
    return work();
  } finally {
    db.close();
  }
}

function release(home: Home, own: Holder): void {
  const holder = readHolder(home.lock);
  if (holder?.pid === own.pid && holder.start_time === own.start_time) rmSync(home.lock, { force: true });
}

function readHolder(file: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Missing, or cut short by a power failure: either way nobody can be told from it.
    return undefined;
  }
}
