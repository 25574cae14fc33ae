import { accessSync, constants } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';

/** Refuses where no local daemon can be: on Windows, and where the socket's path is longer than the system takes. */
export function checkLocalDaemonPossible(home: Home, platform: NodeJS.Platform = process.platform): void {
  if (platform === 'win32') {
    throw new SkybackupError('unsupported', 'The local daemon does not run on Windows.', {
      hint: 'Set SKYSQL_API_KEY to speak to the cloud, or SKYBACKUP_URL and SKYBACKUP_API_KEY for a daemon on a Linux machine.',
    });
  }
  const longest = platform === 'darwin' ? 103 : 107;
  const bytes = Buffer.byteLength(home.socket);
  if (bytes > longest) {
    throw new SkybackupError(
      'invalid_settings',
      `The daemon's socket ${home.socket} has a path of ${bytes} bytes, and a socket's may have ${longest} at most.`,
      {
        hint: 'Set SKYBACKUP_HOME to a shorter path.',
      },
    );
  }
}

/** The socket in a home that this user may speak to: the owner's, or the agents' where only that is open to it. */
export function socketOf(home: Home): string {
  return mayWrite(home.socket) === 'EACCES' && mayWrite(home.agentSocket) === true ? home.agentSocket : home.socket;
}

function mayWrite(path: string): true | string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** Makes the home folder for its owner alone, or checks the one that is there: whoever else may write in it owns the backups. */
export async function prepareHome(home: Home): Promise<void> {
  try {
    await mkdir(home.root, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new SkybackupError('invalid_settings', `The home folder ${home.root} cannot be made: ${reason}.`, {
      cause,
      hint: 'Set SKYBACKUP_HOME to a folder that may be written.',
    });
  }
  const problem = await homeProblem(home);
  if (problem) throw new SkybackupError('invalid_settings', problem.message, { hint: problem.mend });
}

/** What is wrong with the owner or the mode of the home folder; undefined when nothing is, or it does not exist yet. */
export async function homeProblem(home: Home): Promise<{ message: string; mend: string } | undefined> {
  const found = await stat(home.root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new SkybackupError('invalid_settings', `The home folder ${home.root} cannot be looked at (${error.code}).`, {
      cause: error,
    });
  });
  if (!found) return undefined;
  if (!found.isDirectory())
    return { message: `The home folder ${home.root} is not a folder.`, mend: 'Set SKYBACKUP_HOME to another path.' };
  const me = process.getuid?.();
  if (me !== undefined && found.uid !== me) {
    return {
      message: `The home folder ${home.root} belongs to user ${found.uid}, and this is user ${me}.`,
      mend: 'Have its owner start the daemon there, or set SKYBACKUP_HOME to a folder of your own.',
    };
  }
  if ((found.mode & 0o022) !== 0) {
    return {
      message: `Other users may write in the home folder ${home.root} (mode ${(found.mode & 0o777).toString(8)}).`,
      mend: `Run: chmod 700 ${home.root}`,
    };
  }
  return undefined;
}
