import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { connectWith } from './connect.ts';
import type { Login } from './login.ts';
import {
  holdersOf,
  identify,
  isAlive,
  type ProcessIdentity,
  signalProcess,
  waitUntilGone,
} from './process-identity.ts';
import { findTool } from './tools.ts';

export interface LaunchOptions {
  args: readonly string[];
  /** What the server prints before it opens its own log. */
  log: string;
  cwd: string;
  env?: Readonly<Record<string, string>>;
  /** The user it runs as; default ourselves. */
  uid?: number;
  gid?: number;
}

/**
 * Starts mariadbd in a session of its own, tied to this process by nothing: no pipe, no terminal, a minimal environment.
 * As root it is told so, since mariadbd refuses to be root by accident.
 */
export async function launchServer(options: LaunchOptions): Promise<ProcessIdentity> {
  const executable = findTool('mariadbd');
  const { uid, gid } = options;
  const log = openSync(
    options.log,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    // Its own log is opened anew by the server itself.
    if (uid !== undefined) fchownSync(log, uid, gid ?? -1);
    const child = spawn(
      executable,
      ['--no-defaults', ...(process.getuid?.() === 0 && uid === undefined ? ['--user=root'] : []), ...options.args],
      {
        cwd: options.cwd,
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...serverEnvironment(), ...options.env },
        ...(uid === undefined ? {} : { uid }),
        ...(gid === undefined ? {} : { gid }),
      },
    );
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    // Gone before it could be looked at: an identity that matches no process says so to whoever asks.
    return identity ?? { pid: child.pid ?? 0, start_time: 'gone' };
  } catch (error) {
    throw new SkybackupError('tool_missing', `${executable} could not be started.`, { cause: error });
  } finally {
    closeSync(log);
  }
}

export interface AnswerOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

export type Answer = 'answers' | 'denied' | 'gone' | 'silent';

/**
 * Waits until this very process answers on the login's socket. `denied`: it answers and refuses the login, which is up
 * (after a restore the accounts may be the source's). `gone`: it ended before. `silent`: no answer in time.
 */
export async function awaitAnswer(identity: ProcessIdentity, login: Login, options: AnswerOptions): Promise<Answer> {
  const deadline = Date.now() + options.timeoutMs;
  const socket = login.socket ?? '';
  for (;;) {
    options.signal?.throwIfAborted();
    if (!isAlive(identity)) return 'gone';
    if (listensOn(identity.pid, socket)) {
      const answer = await probe(login, Math.min(5000, Math.max(200, deadline - Date.now())));
      if (answer !== 'silent') return answer;
    }
    if (Date.now() >= deadline) return 'silent';
    await delay(15, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** One try to log in. */
export async function probe(login: Login, timeoutMs: number): Promise<'answers' | 'denied' | 'silent'> {
  try {
    const connection = await connectWith(login, { timeoutMs });
    await connection.close();
    return 'answers';
  } catch (error) {
    return error instanceof SkybackupError && error.code === 'access_denied' ? 'denied' : 'silent';
  }
}

/** Whether the process is the one that listens on a Unix socket: whoever connects there reaches it and nobody else. */
export function listensOn(pid: number, socket: string): boolean {
  const listening = 0x10000;
  const inodes = new Set(
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.endsWith(` ${socket}`))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => (Number.parseInt(fields[3] ?? '0', 16) & listening) !== 0)
      .map((fields) => `socket:[${fields[6]}]`),
  );
  return holdsSocket(pid, inodes);
}

/** Whether the process listens on a TCP port of this machine. /proc/net/tcp: `sl local_address rem_address st … inode`. */
export function listensOnPort(pid: number, port: number): boolean {
  const listening = '0A';
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((table) => (existsSync(table) ? readFileSync(table, 'utf8').split('\n') : []))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(end) && fields[3] === listening)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return holdsSocket(pid, inodes);
}

function holdsSocket(pid: number, inodes: ReadonlySet<string>): boolean {
  if (inodes.size === 0) return false;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

export interface StopOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

/**
 * Asks a server to end, and proves that it did: the process is gone and nobody has a file of `datadir` open. Never
 * SIGKILL: what it had not written yet would have to be recovered. Throws `timeout` when it takes longer.
 */
export async function stopServer(identity: ProcessIdentity, datadir: string, options: StopOptions): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (!(await waitUntilGone(identity, options.timeoutMs, options.signal))) {
    throw new SkybackupError(
      'timeout',
      `The server (process ${identity.pid}) was asked to stop and has not after ${Math.round(options.timeoutMs / 1000)} s.`,
      { hint: 'It may be writing much to disk, or hang: read its log, and wait until it is gone.' },
    );
  }
  await proveUnused(datadir);
}

/** Throws `conflict` while any process has files of the directory open. Short looks only: the kernel closes late. */
export async function proveUnused(datadir: string): Promise<void> {
  for (let look = 0; ; look += 1) {
    const [holder] = holdersOf(datadir);
    if (holder === undefined) return;
    if (look >= 50) {
      throw new SkybackupError(
        'conflict',
        `Process ${holder.pid} (${holder.command}) has ${holder.path} open, so the data directory is in use.`,
        { hint: `End process ${holder.pid}, then call again.` },
      );
    }
    await delay(20);
  }
}

/** Ends a server whose data are thrown away anyhow: SIGTERM, after `graceMs` SIGKILL. */
export async function discardServer(identity: ProcessIdentity, graceMs: number): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (await waitUntilGone(identity, graceMs)) return;
  signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, 10_000);
}

/** MYSQL_* and the cloud's keys stay out: the former redirect a server, the latter are none of its business. */
export function serverEnvironment(): Record<string, string> {
  const { PATH, HOME, TMPDIR, TZ } = process.env;
  return {
    PATH: PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(HOME === undefined ? {} : { HOME }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(TZ === undefined ? {} : { TZ }),
    LC_ALL: 'C.UTF-8',
  };
}
