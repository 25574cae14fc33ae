import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { removeDurably, renameDurably, writeDurably } from '../managed/durable-file.ts';
import { type ManagedLayout, managedLayout } from '../managed/layout.ts';
import { readServerFile } from '../managed/server-file.ts';
import { processesWorkingIn } from '../mariadb/process-identity.ts';
import { discardServer } from '../mariadb/server-process.ts';
import { findTool } from '../mariadb/tools.ts';
import { leftStagings, removeStaging } from './staging.ts';

/** Lies in the folder of a service that is being made, until the service is registered. */
const Unfinished = z.looseObject({
  format: z.literal(1),
  restore_id: z.number().int(),
  /** Of the state in which it would be registered: in another one that nothing is known of it means nothing. */
  instance: z.string(),
});
type Unfinished = z.infer<typeof Unfinished>;

const mark = 'unfinished.json';
/** Folders before they have their mark, and after the decision to remove them: nothing in them is of use to anyone. */
const [opening, removing] = ['.new-', '.removing-'];

/** Makes the folder of a new service, marked as unfinished from its first moment on. Throws `conflict` when there is one. */
export function openServiceFolder(home: Home, id: string, unfinished: Omit<Unfinished, 'format'>): void {
  const { root } = managedLayout(home, id);
  if (existsSync(root)) throw folderExists(id, root);
  const draft = join(home.services, `${opening}${id}`);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  writeDurably(join(draft, mark), `${JSON.stringify({ format: 1, ...unfinished }, undefined, 2)}\n`);
  renameDurably(draft, root);
}

export function folderExists(id: string, root: string): SkybackupError {
  return new SkybackupError('conflict', `${root} exists: the data of a service ${id} that was forgotten.`, {
    hint: `Choose another id; or take the data in again with "skybackup services add ${id} --managed".`,
    retryable: false,
  });
}

/** The mark of a service that was never registered; undefined when it was, or was made in another way. */
export function readUnfinished(layout: ManagedLayout): Unfinished | undefined {
  const path = join(layout.root, mark);
  return existsSync(path) ? Unfinished.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

/** The service is registered: its folder is as any other. */
export function finishServiceFolder(layout: ManagedLayout): void {
  removeDurably(join(layout.root, mark));
}

/** Ends every process that works in a service's folder, by force if it must, and removes it with all data. Safe to repeat. */
export async function removeServiceFolder(home: Home, id: string): Promise<void> {
  const layout = managedLayout(home, id);
  if (!existsSync(layout.root)) return;
  for (const staging of leftStagings({ data: layout.data, beside: layout.root })) await removeStaging(staging);
  for (const folder of [layout.root, layout.data]) {
    if (!existsSync(folder)) continue;
    for (const server of processesWorkingIn(folder, findTool('mariadbd'))) await discardServer(server, 0);
  }
  if (existsSync(layout.serverFile)) {
    const socketFolder = dirname(readServerFile(layout).socket);
    if (socketFolder !== layout.run) await rm(socketFolder, { recursive: true, force: true });
  }
  // Another name first: half a folder must never look like a service.
  const condemned = join(home.services, `${removing}${id}`);
  await rm(condemned, { recursive: true, force: true, maxRetries: 3 });
  renameDurably(layout.root, condemned);
  await rm(condemned, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what was killed before its mark, or in the middle of a removal. */
export async function sweepServiceFolders(home: Home): Promise<void> {
  if (!existsSync(home.services)) return;
  for (const name of readdirSync(home.services)) {
    if (!name.startsWith(opening) && !name.startsWith(removing)) continue;
    await rm(join(home.services, name), { recursive: true, force: true, maxRetries: 3 });
  }
}
