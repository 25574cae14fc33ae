import { chownSync, mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeSocketFolder, shortSocket } from '../managed/layout.ts';
import { endTagged, tag } from '../mariadb/tagged-processes.ts';
import { makeBeside } from './beside.ts';
import { type DataPlace, type RunAs, runAsOwner } from './data-place.ts';

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
  /** Who every process that works here has to be: the owner of the data, unless that is us. */
  as: RunAs;
}

export function stagingOf({ data, beside }: Pick<DataPlace, 'data' | 'beside'>, restoreId: number): Staging {
  return stagingAt(join(beside, `${prefix}${restoreId}`), runAsOwner(data));
}

/** One whose folder is `root`. */
export function stagingAt(root: string, as: RunAs = {}): Staging {
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
    as,
  };
}

/** Makes it empty: whatever an earlier restore of the same number left is removed first. */
export async function makeStaging(staging: Staging): Promise<void> {
  await removeStaging(staging);
  makeBeside(dirname(staging.root));
  for (const folder of [staging.root, staging.data, staging.run, staging.temporary]) makeFolder(folder, staging.as);
  makeSocketFolder(staging.socket, staging.as);
}

/** A folder for whoever works in it alone. */
export function makeFolder(path: string, as: RunAs): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (as.uid !== undefined) chownSync(path, as.uid, as.gid ?? -1);
}

/** Ends what still works in it, then removes it and its socket. Safe to repeat. */
export async function removeStaging(staging: Staging): Promise<void> {
  await endTagged(staging.root);
  await rm(staging.root, { recursive: true, force: true, maxRetries: 3 });
  const socketFolder = dirname(staging.socket);
  if (socketFolder !== staging.run) await rm(socketFolder, { recursive: true, force: true });
}

/** The staging folders that restores of this service left behind. */
export function leftStagings({ data, beside }: Pick<DataPlace, 'data' | 'beside'>): Staging[] {
  return readdirSync(beside)
    .filter((name) => name.startsWith(prefix))
    .map((name) => stagingAt(join(beside, name), runAsOwner(data)));
}
