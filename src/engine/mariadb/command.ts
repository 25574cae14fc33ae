import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { StderrTail } from './stderr-tail.ts';

export interface CommandSpec {
  /** Absolute, from `findTool`. */
  path: string;
  args: readonly string[];
  cwd?: string;
  /** Beside the minimal environment. Never a secret: /proc shows it. */
  env?: Readonly<Record<string, string>>;
  uid?: number;
  gid?: number;
  /** SIGKILLed when this process dies, however: one that waits for a lock would otherwise hold up the server's DDL. */
  diesWithUs?: boolean;
}

export interface CommandOptions {
  /** Abort = SIGINT to the process group, SIGKILL after `graceMs`. */
  signal?: AbortSignal;
  graceMs?: number;
  /** Another command's stdout is handed over whole: its bytes then never pass through this process. */
  stdin?: 'ignore' | 'pipe' | Readable;
  stdout?: 'ignore' | 'pipe';
  /** Each line of stderr as it comes, redacted. */
  onStderrLine?: (line: string) => void;
}

export interface CommandExit {
  name: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last lines of stderr, redacted and bounded. */
  stderr: string[];
}

export interface RunningCommand {
  readonly name: string;
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  /** Resolves once the process is gone and its stderr read; rejects only when it could not be started. */
  readonly exit: Promise<CommandExit>;
  /** SIGINT to the group, SIGKILL after the grace. */
  stop(): void;
}

/**
 * Starts a program in a process group of its own, so that a cancel reaches its children and a terminal's Ctrl-C does not
 * reach it. Only PATH, HOME and TMPDIR are inherited: MYSQL_HOME, MYSQL_PWD, MYSQL_UNIX_PORT and their like would redirect it.
 */
export function startCommand(spec: CommandSpec, options: CommandOptions = {}): RunningCommand {
  const { signal, graceMs = 5000, stdin = 'ignore', stdout = 'pipe', onStderrLine } = options;
  const name = basename(spec.path);
  if (signal?.aborted) throw new SkybackupError('cancelled', 'It was cancelled before it began.');
  const [path, args] = spec.diesWithUs ? boundToUs(spec) : [spec.path, spec.args];
  const child = spawn(path, [...args], {
    detached: true,
    stdio: [stdin, stdout, 'pipe'],
    env: { ...minimalEnvironment(), ...spec.env },
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  });
  // Our copy of the pipe's end would keep the writer alive after its reader died.
  if (typeof stdin !== 'string') stdin.destroy();

  const tail = new StderrTail(onStderrLine);
  child.stderr?.on('data', (chunk: Buffer) => tail.add(chunk));
  let stopping = false;
  const stop = (): void => {
    if (stopping || child.exitCode !== null || child.signalCode !== null) return;
    stopping = true;
    signalGroup(child, 'SIGINT');
    // mariadb-backup blocks TERM, HUP and QUIT; a process stuck in the kernel or stopped heeds KILL alone.
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    child.once('exit', () => clearTimeout(timer));
  };
  signal?.addEventListener('abort', stop, { once: true });

  const exit = awaitExit(child, name, tail).finally(() => signal?.removeEventListener('abort', stop));
  // Whoever started the command awaits `exit` later; until then a failed start must not be an unhandled rejection.
  exit.catch(() => {});
  return { name, pid: child.pid ?? -1, stdin: child.stdin, stdout: child.stdout, exit, stop };
}

/** Runs a program to its end with its output in memory. Throws `cancelled`, or `failure` (default `backup_failed`) unless it ended 0. */
export async function runCommand(
  spec: CommandSpec,
  options: Omit<CommandOptions, 'stdout'> & { failure?: 'backup_failed' | 'restore_failed' | 'service_failed' } = {},
): Promise<{ stdout: string; stderr: string }> {
  const { failure = 'backup_failed', ...rest } = options;
  const command = startCommand(spec, rest);
  const output = command.stdout === null ? Promise.resolve('') : text(command.stdout).catch(() => '');
  const exit = await command.exit;
  if (rest.signal?.aborted) throw new SkybackupError('cancelled', `${command.name} was stopped because of a cancel.`);
  if (exit.code !== 0) throw new SkybackupError(failure, describeExit(exit));
  return { stdout: await output, stderr: exit.stderr.join('\n') };
}

/** `mariadb-backup ended with code 1: <last lines>`, for people. */
export function describeExit(exit: CommandExit): string {
  const how = exit.signal === null ? `ended with code ${exit.code}` : `was killed by ${exit.signal}`;
  const words = exit.stderr.filter((line) => line.trim() !== '').slice(-3);
  return words.length === 0 ? `${exit.name} ${how}.` : `${exit.name} ${how}: ${words.join(' | ').slice(0, 1000)}`;
}

function awaitExit(child: ChildProcess, name: string, tail: StderrTail): Promise<CommandExit> {
  const { promise, resolve, reject } = Promise.withResolvers<CommandExit>();
  const stderrEnd = new Promise<void>((done) => {
    if (child.stderr === null) done();
    else child.stderr.once('close', done);
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    // 'error' also comes for a signal that could not be sent; only a process that never was ends here.
    if (child.pid !== undefined) return;
    reject(
      new SkybackupError('tool_missing', `${name} could not be started (${error.code ?? 'unknown'}).`, {
        cause: error,
      }),
    );
  });
  // 'exit', not 'close': the latter may never come once stdout was handed to another process.
  child.once('exit', (code, signal) => {
    // What is still in the pipe is read first; a grandchild that keeps it open must not keep us.
    void Promise.race([stderrEnd, delay(2000, undefined, { ref: false })]).then(() => {
      resolve({ name, code, signal, stderr: tail.end() });
    });
  });
  return promise;
}

/** Through setpriv (util-linux), which sets the signal and becomes the program; without it the program runs unbound. */
function boundToUs({ path, args }: CommandSpec): [string, readonly string[]] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((candidate) => existsSync(candidate));
  return setpriv === undefined ? [path, args] : [setpriv, ['--pdeathsig', 'KILL', '--', path, ...args]];
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already: what was wanted.
  }
}

function minimalEnvironment(): Record<string, string> {
  const { PATH, HOME, TMPDIR } = process.env;
  return {
    PATH: PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(HOME === undefined ? {} : { HOME }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    // Messages are parsed and times compared.
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  };
}
