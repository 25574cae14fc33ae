import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { writeDurably } from './durable-file.ts';
import { type ManagedLayout, managedLayout } from './layout.ts';

/** `server.json`: how a managed server is started, and which process it is. */
const ServerFile = z.looseObject({
  format: z.literal(1),
  socket: z.string(),
  port: z.number().int(),
  server_id: z.number().int(),
  created_at: z.string(),
  /** What a person last asked for. A server that should run and does not has failed. */
  wanted: z.enum(['running', 'stopped']),
  process: z.strictObject({ pid: z.number().int(), start_time: z.string(), answered: z.boolean() }).nullable(),
  /** Why the port is another than before. */
  port_note: z.string().optional(),
});
export type ServerFile = z.infer<typeof ServerFile>;

/** Throws `not_found` when the service has no server here, `unreadable_directory` when its file is damaged. */
export function readServerFile(layout: ManagedLayout): ServerFile {
  if (!existsSync(layout.serverFile)) {
    throw new SkybackupError('not_found', `There is no managed server in ${layout.root}.`, {
      hint: 'Create it with "skybackup services add <id> --managed".',
    });
  }
  try {
    return ServerFile.parse(JSON.parse(readFileSync(layout.serverFile, 'utf8')));
  } catch (error) {
    throw new SkybackupError('unreadable_directory', `${layout.serverFile} cannot be read.`, {
      hint: `Look at ${layout.serverFile}: it must be the JSON file that skybackup wrote.`,
      cause: error,
    });
  }
}

export function writeServerFile(layout: ManagedLayout, file: ServerFile): void {
  writeDurably(layout.serverFile, `${JSON.stringify(file, undefined, 2)}\n`);
}

/** Changes some fields of `server.json` and returns the whole. */
export function updateServerFile(layout: ManagedLayout, change: Partial<ServerFile>): ServerFile {
  const file: ServerFile = { ...readServerFile(layout), ...change };
  writeServerFile(layout, file);
  return file;
}

/** The files of the other managed servers of this home: their ports and server ids are taken. */
export function otherServerFiles(home: Home, id: string): ServerFile[] {
  if (!existsSync(home.services)) return [];
  return readdirSync(home.services).flatMap((name) => {
    if (name === id || !existsSync(join(home.services, name, 'server.json'))) return [];
    try {
      return [readServerFile(managedLayout(home, name))];
    } catch {
      // A folder that is no service of ours takes no port.
      return [];
    }
  });
}
