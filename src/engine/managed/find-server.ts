import { existsSync } from 'node:fs';
import { isAlive, type ProcessIdentity, processesWorkingIn, worksIn } from '../mariadb/process-identity.ts';
import { listensOn } from '../mariadb/server-process.ts';
import { findTool } from '../mariadb/tools.ts';
import type { ManagedLayout } from './layout.ts';
import type { ServerFile } from './server-file.ts';

/**
 * The process that serves this data directory: the one noted at its start, if pid, start time and working directory still
 * fit; else whichever mariadbd works in the directory (a daemon killed before it could note the pid). Undefined: none.
 */
export function findServer(layout: ManagedLayout, file: ServerFile): ProcessIdentity | undefined {
  const noted = file.process;
  // The socket counts as well: a server whose directory somebody deleted under it still has to be stopped.
  if (noted !== null && isAlive(noted) && (worksIn(noted.pid, layout.data) || listensOn(noted.pid, file.socket))) {
    return { pid: noted.pid, start_time: noted.start_time };
  }
  return existsSync(layout.data) ? processesWorkingIn(layout.data, findTool('mariadbd'))[0] : undefined;
}
