import { chmodSync, chownSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';

/**
 * Lets a group into the home as far as its agents' socket: they may enter it and not list it, and all else in it is its owner's
 * alone. Returns the group's number.
 */
export async function admitGroup(home: Home, group: string): Promise<number> {
  const gid = await groupNumber(group);
  for (const name of readdirSync(home.root)) {
    const path = join(home.root, name);
    const { mode } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (mode !== undefined && (mode & 0o077) !== 0) chmodSync(path, mode & 0o700);
  }
  give(home.root, gid, group);
  chmodSync(home.root, 0o710);
  return gid;
}

/** Hands the agents' socket, which so far only its owner may use, to their group, and gives the owner's its other name. */
export function openSockets(home: Home, gid: number): void {
  give(home.agentSocket, gid, String(gid));
  chmodSync(home.agentSocket, 0o660);
  symlinkSync(basename(home.socket), home.adminSocket);
}

export function removeSockets(home: Home): void {
  for (const socket of [home.socket, home.agentSocket, home.adminSocket]) rmSync(socket, { force: true });
}

function give(path: string, gid: number, group: string): void {
  try {
    chownSync(path, statSync(path).uid, gid);
  } catch (cause) {
    throw new SkybackupError('invalid_settings', `${path} cannot be given to the group ${group}.`, {
      hint: `Make the daemon's user a member of the group ${group} and start the daemon anew.`,
      cause,
    });
  }
}

/** Asked of the system's own look-up: groups may come from a directory service. */
async function groupNumber(group: string): Promise<number> {
  const { exitCode, stdout } = await execa('getent', ['group', '--', group], { reject: false });
  const gid = /^[^:]*:[^:]*:(\d+):/.exec(stdout ?? '')?.[1];
  if (exitCode === 0 && gid !== undefined) return Number(gid);
  throw new SkybackupError('invalid_settings', `There is no group "${group.slice(0, 100)}".`, {
    hint: 'Make it with "groupadd", put the user of the agents into it, and start the daemon again.',
  });
}
