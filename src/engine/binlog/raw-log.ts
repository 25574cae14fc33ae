import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandSpec, type RunningCommand, runCommand, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';

export interface RawLogInput {
  name: string;
  /** A login for mariadb-binlog. */
  optionFile: string;
  /** A private directory, for a pipe that is named as the log. */
  directory: string;
  signal: AbortSignal;
}

/** A log of the server on its way here, as its own bytes. */
export interface RawLog {
  readonly output: Readable;
  /** mariadb-binlog, and who takes its bytes from the pipe. */
  readonly source: RunningCommand;
  readonly reader: RunningCommand;
  stop(): void;
  /** Resolves when nothing of it is left; to be awaited in every case. */
  gone(): Promise<void>;
}

/**
 * Has a log of a running server handed out, the one being written as far as it has come, without a copy on disk: --raw writes
 * to files only, and a named pipe is one.
 */
export async function openRawLog({ name, optionFile, directory, signal }: RawLogInput): Promise<RawLog> {
  const pipe = join(directory, name);
  await runCommand({ path: findTool('mkfifo'), args: ['-m', '600', '--', pipe] }, { signal });
  const args = [`--defaults-file=${optionFile}`, '--read-from-remote-server', '--raw', `--result-file=${directory}/`];
  const start = (path: string, rest: string[], stdout: 'pipe' | 'ignore'): RunningCommand => {
    const spec: CommandSpec = { path, args: rest, cwd: directory, diesWithUs: true };
    return startCommand(spec, { signal, stdout });
  };
  const source = start(findTool('mariadb-binlog'), [...args, '--', name], 'ignore');
  // Opening a named pipe waits for its other end: that must not happen in this process.
  const reader = start(findTool('cat'), ['--', pipe], 'pipe');
  if (reader.stdout === null) throw new Error('started without pipes');
  const stop = (): void => {
    for (const member of [source, reader]) member.stop();
  };
  // One that died leaves the other waiting for ever.
  reader.exit.then((exit) => exit.code === 0 || stop(), stop);
  const ended = endPipe(pipe, source, reader);
  return {
    output: reader.stdout,
    source,
    reader,
    stop,
    async gone() {
      await Promise.allSettled([source.exit, reader.exit, ended]);
      await unlink(pipe).catch(() => {});
    },
  };
}

/** Once the source is gone, opens and closes the writing end: it may have failed before, and the reader would wait for ever. */
async function endPipe(pipe: string, source: RunningCommand, reader: RunningCommand): Promise<void> {
  let reading = true;
  const gone = (): void => {
    reading = false;
  };
  reader.exit.then(gone, gone);
  await source.exit.catch(() => {});
  while (reading) {
    await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK).then(
      (file) => file.close(),
      // It is not being read yet, or not any more.
      () => {},
    );
    await delay(20);
  }
}
