import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SkybackupError } from '../contract/errors.ts';
import { nodeTooOld } from './node-version.ts';

const run = promisify(execFile);

/**
 * The Node to start a daemon with: the one that runs this. Inside a desktop program that runs servers in processes of its own
 * (Electron), its binary starts no scripts, and the daemon must not end with it: there it is one of the machine, by `PATH`.
 */
export async function daemonNode(
  path: string,
  { execPath, versions }: Pick<NodeJS.Process, 'execPath' | 'versions'> = process,
): Promise<string> {
  if (versions.electron === undefined) return execPath;
  for (const directory of path.split(delimiter)) {
    const node = join(directory, 'node');
    const version = await run(node, ['--version'], { timeout: 10_000 }).catch(() => undefined);
    if (version !== undefined && nodeTooOld(version.stdout.trim()) === undefined) return node;
  }
  throw new SkybackupError(
    'daemon_failed',
    'The local daemon needs a Node of its own, 22.19 or newer, and none was found on this machine.',
    {
      hint: `This client runs its servers inside itself, and lends its own Node to no daemon. Install Node where it is looked for (${path}), or run "skybackup serve" yourself.`,
    },
  );
}
