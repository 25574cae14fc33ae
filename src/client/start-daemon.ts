import { type ChildProcess, spawn } from 'node:child_process';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SkybackupError } from '../contract/errors.ts';
import { Healthz } from '../contract/health.ts';
import type { Home } from '../contract/home.ts';
import { daemonEnvironment } from './daemon-environment.ts';
import { checkLocalDaemonPossible, prepareHome, socketOf } from './daemon-home.ts';
import { logTail, openLog } from './daemon-log.ts';
import { daemonNode } from './daemon-node.ts';
import { createHttp, type Http } from './http.ts';
import { judgeDaemon } from './version-skew.ts';

/** `serve` ends with this when another daemon holds the home's lock: EX_TEMPFAIL. Its starter then waits for that other one. */
export const lockHeldExitCode = 75;

export interface LocalDaemon {
  home: Home;
  /** The version of this client. */
  version: string;
  /** The script to start as a daemon. Default: this very program. */
  entry?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** How long a daemon may take until it answers, recovery included. Default 60,000. */
  startMs?: number;
}

/** The daemon's socket as an HTTP target that starts nothing. With a key its holder asks, not the socket's peer. */
export function socketHttp(home: Home, key?: string): Http {
  const socketPath = socketOf(home);
  return createHttp({
    kind: 'daemon',
    url: `unix:${socketPath}`,
    baseUrl: 'http://skybackup',
    socketPath,
    keySetting: undefined,
    headers: key === undefined ? {} : { 'x-api-key': key },
  });
}

/** The health of the daemon on the home's socket; undefined when none listens there. */
export async function daemonHealth(home: Home): Promise<Healthz | undefined> {
  const http = socketHttp(home);
  try {
    const { body } = await http.request({ method: 'GET', path: '/healthz', deadlineMs: 5000 });
    const health = Healthz.safeParse(body);
    if (health.success) return health.data;
    throw new SkybackupError('daemon_failed', `What listens on ${home.socket} is not a skybackup daemon.`);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (error instanceof SkybackupError && error.code === 'unreachable' && error.details.code === 'EACCES') {
      throw new SkybackupError('forbidden', `The daemon's socket ${home.socket} belongs to another user.`, {
        cause: error,
        hint: 'Run as the user the daemon runs as or as a member of the group it admits, or set SKYBACKUP_HOME to a folder of your own.',
      });
    }
    if (error instanceof SkybackupError && error.code === 'timeout')
      throw new SkybackupError('daemon_failed', `The daemon on ${home.socket} does not answer.`, { cause: error });
    throw error;
  } finally {
    await http.close();
  }
}

/** Whether an error means that no daemon listens: nothing was sent. */
export function isAbsent(error: unknown): boolean {
  return (
    error instanceof SkybackupError &&
    error.code === 'unreachable' &&
    ['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(String(error.details.code))
  );
}

/**
 * Resolves with the health of a daemon that this client can use: the one that runs, or one started now, detached. Several
 * clients may do this at once: the daemon's lock lets one through, and all wait for that one.
 */
export async function ensureDaemon(local: LocalDaemon): Promise<Healthz> {
  const { home } = local;
  checkLocalDaemonPossible(home);
  const running = await daemonHealth(home);
  if (running && judgeDaemon(running, local.version) === 'use') return running;
  if (running) await replace(home, running);
  await prepareHome(home);
  const started = await start(local);
  // Where a client of an older version was quicker, its daemon is used if it can be.
  judgeDaemon(started, local.version);
  return started;
}

/** Asks an idle older daemon to stop, and waits until it is gone. */
async function replace(home: Home, old: Healthz): Promise<void> {
  const http = socketHttp(home);
  try {
    await http.request({ method: 'POST', path: '/skybackup/v1/drain', body: {} });
  } catch (error) {
    if (!isAbsent(error)) {
      throw new SkybackupError(
        'version_skew',
        `The daemon is skybackup ${old.version}, an older version, and does not make room for this one.`,
        {
          cause: error,
          retryable: true,
          hint: `Call again when its jobs have ended, or stop it (pid ${old.pid}).`,
        },
      );
    }
  } finally {
    await http.close();
  }
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
    const now = await daemonHealth(home).catch(notYet);
    if (!now || now.pid !== old.pid) return;
  }
  throw new SkybackupError(
    'version_skew',
    `The older daemon (skybackup ${old.version}, pid ${old.pid}) agreed to stop and has not.`,
  );
}

async function start(local: LocalDaemon): Promise<Healthz> {
  const { home, startMs = 60_000 } = local;
  const env = daemonEnvironment(home, local.env ?? process.env);
  const node = await daemonNode(env.PATH);
  const log = await openLog(home.log);
  const child = spawn(node, [local.entry ?? ownEntry(), 'serve', '--started-by', 'client'], {
    detached: true,
    cwd: home.root,
    env,
    // Never a pipe: whoever reads the client's output would wait for the daemon's end.
    stdio: ['ignore', log.handle.fd, log.handle.fd],
  });
  const exit = exitOf(child);
  child.unref();
  try {
    for (const until = performance.now() + startMs; performance.now() < until; ) {
      const health = await daemonHealth(home).catch(notYet);
      if (health?.ok) return health;
      const ended = await Promise.race([exit, sleep(50)]);
      if (ended && ended.code !== lockHeldExitCode) throw await diedAtStart(home, log.start, ended);
      // Its end is known by now, so the race above no longer waits.
      if (ended) await sleep(50);
    }
  } finally {
    await log.handle.close();
  }
  throw new SkybackupError(
    'unavailable',
    `The daemon has not answered within ${Math.round(startMs / 1000)} s of its start.`,
    {
      hint: `It may still be recovering: call again in a moment, or read ${home.log}.`,
    },
  );
}

/** A daemon that is coming up or going down may turn a caller away. */
function notYet(error: unknown): undefined {
  if (error instanceof SkybackupError && error.retryable && error.code !== 'daemon_failed') return undefined;
  throw error;
}

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

function exitOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

async function diedAtStart(home: Home, logStart: number, { code, signal, error }: Ended): Promise<SkybackupError> {
  const how = error ? `could not be started: ${error.message}` : `ended at its start (${signal ?? `code ${code}`})`;
  const tail = await logTail(home.log, logStart);
  return new SkybackupError(
    'daemon_failed',
    `The local daemon ${how}.${tail === '' ? '' : ` Its log ends with:\n${tail}`}`,
    {
      cause: error,
      hint: `Run "skybackup doctor"; the whole log is ${home.log}.`,
    },
  );
}

/** The program this module is part of: the built file, or the command line's source. */
export function ownEntry(): string {
  const here = fileURLToPath(import.meta.url);
  return basename(here) === 'start-daemon.ts'
    ? join(dirname(here), '..', 'cli', 'main.ts')
    : join(dirname(here), 'skybackup.js');
}
