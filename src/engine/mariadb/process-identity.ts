import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownFolder } from './no-schemas.ts';

/** A process that cannot be mistaken for a later one with the same pid: `start_time` is field 22 of /proc/<pid>/stat. */
export interface ProcessIdentity {
  pid: number;
  start_time: string;
}

/** A process that has something of a directory open, for messages to people. */
export interface Holder {
  pid: number;
  command: string;
  path: string;
}

/** The identity of a live process; undefined when it is gone or only waits to be reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(readProc(pid, 'stat'));
  return startTime === undefined ? undefined : { pid, start_time: startTime };
}

/** From the text of /proc/<pid>/stat; undefined of a process that holds nothing any more. */
export function startTimeOf(stat: string): string | undefined {
  // The command in parentheses may itself hold blanks and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, threads, startTime] = [fields[0], fields[17], fields[19]];
  // A killed server's first thread is a zombie while the last one still gives back its memory, files and locks.
  const holdsNothing = (state === 'Z' || state === 'X') && Number(threads) <= 1;
  return holdsNothing ? undefined : startTime;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.start_time === identity.start_time;
}

/** Whether the process works in this very directory, by inode: names may change under it. */
export function worksIn(pid: number, directory: string): boolean {
  try {
    const [own, wanted] = [statSync(`/proc/${pid}/cwd`), statSync(directory)];
    return own.dev === wanted.dev && own.ino === wanted.ino;
  } catch {
    return false;
  }
}

/** The processes that run `executable` with `directory` as their working directory: how a server is found without a pid. */
export function processesWorkingIn(directory: string, executable: string): ProcessIdentity[] {
  return pids().flatMap((pid) => {
    if (!worksIn(pid, directory) || !runs(pid, executable)) return [];
    const identity = identify(pid);
    return identity === undefined ? [] : [identity];
  });
}

/**
 * Every process with a file or a mapping inside `directory`; what works in skybackup's own folder there works on other data.
 * Processes of other users that we may not look into are left out: the directory is closed to them.
 */
export function holdersOf(directory: string): Holder[] {
  if (!existsSync(directory)) return [];
  // The kernel names files by their real paths; ours may lead through a link.
  const real = realpathSync(directory);
  const inside = (path: string) =>
    path === real || (path.startsWith(`${real}/`) && !path.startsWith(`${real}/${ownFolder}/`));
  return pids().flatMap((pid) => {
    if (pid === process.pid) return [];
    const path = openPaths(pid).find(inside);
    return path === undefined ? [] : [{ pid, command: commandOf(pid), path }];
  });
}

/** Processes started with `name=value` in their environment, children included: ours even if we died before noting a pid. */
export function processesTagged(name: string, value: string): ProcessIdentity[] {
  const wanted = `${name}=${value}`;
  return pids().flatMap((pid) => {
    if (!readProc(pid, 'environ').split('\0').includes(wanted)) return [];
    const identity = identify(pid);
    return identity === undefined ? [] : [identity];
  });
}

/** Resolves to true once the process is gone, to false when `timeoutMs` passed before. Rejects when `signal` aborts. */
export async function waitUntilGone(
  identity: ProcessIdentity,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  // There is no event for the end of a process that is not our child; ten milliseconds cost less than they could matter.
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false;
    await delay(10, undefined, signal === undefined ? {} : { signal });
  }
  return true;
}

/** Sends a signal to exactly this process; false when it is gone already. */
export function signalProcess(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function runs(pid: number, executable: string): boolean {
  try {
    const [own, wanted] = [statSync(`/proc/${pid}/exe`), statSync(executable)];
    // After a package upgrade the running file is no longer the one on disk: then the name it was started by decides.
    if (own.dev === wanted.dev && own.ino === wanted.ino) return true;
    return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '')) === basename(executable);
  } catch {
    return false;
  }
}

function openPaths(pid: number): string[] {
  const paths: string[] = [];
  let descriptors: string[] = [];
  try {
    descriptors = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return paths;
  }
  for (const descriptor of descriptors) {
    try {
      paths.push(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
    } catch {
      // Closed between the listing and the look.
    }
  }
  for (const line of readProc(pid, 'maps').split('\n')) {
    const slash = line.indexOf('/');
    if (slash >= 0) paths.push(line.slice(slash));
  }
  return paths;
}

function commandOf(pid: number): string {
  return readProc(pid, 'comm').trim() || 'unknown';
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
