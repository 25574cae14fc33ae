import { mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeSocketFolder, shortSocket } from '../managed/layout.ts';
import { endTagged, tag } from '../mariadb/tagged-processes.ts';
import type { DataPlace } from './data-place.ts';

const prefix = 'staging-';

/** Where a restore builds the new data: beside the old ones, on the same file system, so that a rename is enough later. */
export interface Staging {
  root: string;
  /** Becomes the data directory. */
  data: string;
  /** The private server's pid file, log and temporary files: nothing of it lies among the data. */
  run: string;
  temporary: string;
  log: string;
  initFile: string;
  socket: string;
  /** The environment of every process that works here. */
  env: Record<string, string>;
}

export function stagingOf({ beside }: Pick<DataPlace, 'beside'>, restoreId: number): Staging {
  return stagingAt(join(beside, `${prefix}${restoreId}`));
}

/** One whose folder is `root`. */
export function stagingAt(root: string): Staging {
  const run = join(root, 'private');
  return {
    root,
    data: join(root, 'data'),
    run,
    temporary: join(run, 'tmp'),
    log: join(run, 'server.log'),
    initFile: join(run, 'init.sql'),
    socket: shortSocket(join(run, 'private.sock')),
    env: tag(root),
  };
}

/** Makes it empty: whatever an earlier restore of the same number left is removed first. */
export async function makeStaging(staging: Staging): Promise<void> {
  await removeStaging(staging);
  for (const folder of [staging.data, staging.temporary]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  makeSocketFolder(staging.socket);
}

/** Ends what still works in it, then removes it and its socket. Safe to repeat. */
export async function removeStaging(staging: Staging): Promise<void> {
  await endTagged(staging.root);
  await rm(staging.root, { recursive: true, force: true, maxRetries: 3 });
  const socketFolder = dirname(staging.socket);
  if (socketFolder !== staging.run) await rm(socketFolder, { recursive: true, force: true });
}

/** The staging folders that restores of this service left behind. */
export function leftStagings({ beside }: Pick<DataPlace, 'beside'>): Staging[] {
  return readdirSync(beside)
    .filter((name) => name.startsWith(prefix))
    .map((name) => stagingAt(join(beside, name)));
}
