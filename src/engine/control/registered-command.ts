import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { worksIn } from '../mariadb/process-identity.ts';
import { serverEnvironment } from '../mariadb/server-process.ts';

export interface CommandEnd {
  /** 0 is what a command says of itself, and proves nothing. */
  ok: boolean;
  /** `ended with code 3: <its last lines>`, for people. */
  words: string;
}

export interface RegisteredCommand {
  /** Its end, once there is one. */
  readonly ended: CommandEnd | undefined;
  /** Resolves at its end, or with undefined when `timeoutMs` passed before. Rejects when `signal` aborts. */
  within(timeoutMs: number, signal?: AbortSignal): Promise<CommandEnd | undefined>;
  /** Gives it up: SIGTERM to the shell, unless it became the server itself. The server is left alone. */
  giveUp(datadir: string | undefined): void;
}

/**
 * Runs a command as it was registered, by /bin/sh. What it prints goes to a file, never a pipe: the server it starts may
 * write there for years, and must not depend on this process.
 */
export function runRegistered(command: string, log: string): RegisteredCommand {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  // Made anew: whoever was started last time goes on writing to the old one.
  rmSync(log, { force: true });
  const output = openSync(log, 'a', 0o600);
  let ended: CommandEnd | undefined;
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
    env: serverEnvironment(),
  });
  closeSync(output);
  child.unref();
  const end = new Promise<CommandEnd>((resolve) => {
    const settle = (how: string, ok: boolean): void => {
      const said = lastLines(log);
      ended ??= { ok, words: said === '' ? `${how}.` : `${how}: ${said}` };
      resolve(ended);
    };
    child.once('error', (error) => settle(`could not be run (${(error as NodeJS.ErrnoException).code})`, false));
    child.once('exit', (code, signal) =>
      settle(signal === null ? `ended with code ${code}` : `was ended by ${signal}`, code === 0),
    );
  });
  return {
    get ended() {
      return ended;
    },
    async within(timeoutMs, signal) {
      const stop = new AbortController();
      const signals = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
      try {
        return await Promise.race([end, delay(timeoutMs, undefined, { signal: signals })]);
      } catch (error) {
        if (signal?.aborted) throw cancelled(signal);
        throw error;
      } finally {
        stop.abort();
      }
    },
    giveUp(datadir) {
      if (ended !== undefined || child.pid === undefined) return;
      if (datadir !== undefined && worksIn(child.pid, datadir)) return;
      child.kill('SIGTERM');
    },
  };
}

function cancelled(signal: AbortSignal): unknown {
  return signal.reason instanceof SkybackupError
    ? signal.reason
    : new SkybackupError('cancelled', 'It was cancelled while the command ran.');
}

function lastLines(log: string): string {
  const lines = readFileSync(log, 'utf8').slice(-4000).split('\n');
  return redact(
    lines
      .filter((line) => line.trim() !== '')
      .slice(-3)
      .join(' | '),
  ).slice(0, 1000);
}
