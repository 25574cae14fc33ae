import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { serviceIdPattern } from '../../contract/ids.ts';

/** Where everything of one managed service lies: `$HOME/services/<id>/`. */
export interface ManagedLayout {
  root: string;
  data: string;
  /** The data directory while it is being made: renamed to `data` once it is whole. */
  unfinished: string;
  run: string;
  temporary: string;
  log: string;
  serverFile: string;
  clientFile: string;
  /** Open while a restore swaps data directories; the server is not started while it exists. */
  journal: string;
}

export function managedLayout(home: Home, id: string): ManagedLayout {
  // The id becomes a folder name: a caller that did not check it must not reach outside.
  if (!serviceIdPattern.test(id)) throw new SkybackupError('not_found', `There is no service ${JSON.stringify(id)}.`);
  const root = join(home.services, id);
  return {
    root,
    data: join(root, 'data'),
    unfinished: join(root, 'data.unfinished'),
    run: join(root, 'run'),
    temporary: join(root, 'run', 'tmp'),
    log: join(root, 'server.log'),
    serverFile: join(root, 'server.json'),
    clientFile: join(root, 'client.cnf'),
    journal: join(root, 'swap-journal.json'),
  };
}

/** `sun_path` holds 108 bytes with its closing zero. */
const longestSocketPath = 107;

/** `wanted` where the kernel takes it; else a socket of the same name in a short folder that is ours by a hash of the path. */
export function shortSocket(wanted: string): string {
  if (Buffer.byteLength(wanted) <= longestSocketPath) return wanted;
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const short = join(tmpdir(), `skb-${hash}`, 's');
  if (Buffer.byteLength(short) <= longestSocketPath) return short;
  throw new SkybackupError('unsupported', `No socket path of at most ${longestSocketPath} bytes can be made.`, {
    hint: `Set SKYBACKUP_HOME or TMPDIR to shorter paths (now ${dirname(dirname(wanted))} and ${tmpdir()}).`,
  });
}

/** Makes the socket's folder for one user alone, ourselves or `as`. Refuses one that someone else made before us in a shared folder. */
export function makeSocketFolder(socket: string, as: { uid?: number; gid?: number } = {}): void {
  const folder = dirname(socket);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || (stat.uid !== process.getuid?.() && stat.uid !== as.uid)) {
    throw new SkybackupError('unreadable_directory', `${folder} belongs to someone else.`, {
      hint: `Remove ${folder}, or set TMPDIR to a folder of your own.`,
    });
  }
  chmodSync(folder, 0o700);
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid ?? -1);
}
