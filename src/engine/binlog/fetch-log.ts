import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningCommand, runCommand, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { StoredObject } from '../repository/manifest.ts';
import { fetchFailure, tornAt } from './fetch-verdict.ts';
import { type LogContents, LogScan } from './log-scan.ts';

export interface FetchInput {
  name: string;
  /** Bytes of the file as the server lists it. */
  bytes: number;
  /** A login for mariadb-binlog. */
  optionFile: string;
  /** A private directory, for a pipe that is named as the log. */
  directory: string;
  signal: AbortSignal;
  store: (body: Readable) => Promise<StoredObject>;
  onBytes: (bytes: number) => void;
}

export interface FetchedLog {
  object: StoredObject;
  contents: LogContents;
  /**
   * Where an event is cut off, when the server died over the log: it hands out nothing from there on, and that event
   * never counted.
   */
  tornAt: number | undefined;
}

/**
 * One closed log of the server, `mariadb-binlog --raw` → scan → zstd → store, without a copy on disk: --raw writes to files
 * only, and a named pipe is one. When it fails, nothing is stored and every process is gone before it throws.
 */
export async function fetchLog(input: FetchInput): Promise<FetchedLog> {
  const { name, directory, signal } = input;
  const pipe = join(directory, name);
  await runCommand({ path: findTool('mkfifo'), args: ['-m', '600', '--', pipe] }, { signal });
  const { source, reader, zstd } = startCommands(input, pipe);
  if (reader.stdout === null || zstd.stdin === null || zstd.stdout === null) throw new Error('started without pipes');
  const stop = (): void => {
    for (const member of [source, reader, zstd]) member.stop();
  };
  // One that died leaves the others waiting for ever.
  for (const member of [reader, zstd]) member.exit.then((exit) => exit.code === 0 || stop(), stop);
  const ended = endPipe(pipe, source, reader);

  const scan = new LogScan(name);
  let passed = 0;
  scan.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    input.onBytes(passed);
  });
  const fed = pipeline(reader.stdout, scan, zstd.stdin).then(
    () => undefined,
    (error: unknown) => {
      stop();
      return error;
    },
  );
  const exits = Promise.all([source.exit, reader.exit, zstd.exit]);
  exits.catch(() => {});
  const output = zstd.stdout;
  const body = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* output as AsyncIterable<Buffer>;
      const [sourceExit, ...others] = await exits;
      const end = { name, bytes: input.bytes, source: sourceExit, others, fed: await fed, came: scan.contents() };
      const failure = fetchFailure(end);
      if (failure !== undefined) throw failure;
    } finally {
      stop();
    }
  };
  try {
    const object = await input.store(Readable.from(body(), { objectMode: false, highWaterMark: 1024 * 1024 }));
    return { object, contents: scan.contents(), tornAt: tornAt((await exits)[0]) };
  } finally {
    stop();
    await Promise.allSettled([exits, ended]);
    await unlink(pipe).catch(() => {});
  }
}

function startCommands({ name, optionFile, directory, signal }: FetchInput, pipe: string) {
  const threads = Math.max(1, Math.min(4, availableParallelism() - 1));
  const [binlog, cat, compressor] = [findTool('mariadb-binlog'), findTool('cat'), findTool('zstd')];
  const args = [`--defaults-file=${optionFile}`, '--read-from-remote-server', '--raw', `--result-file=${directory}/`];
  return {
    source: startCommand(
      { path: binlog, args: [...args, '--', name], cwd: directory, diesWithUs: true },
      { signal, stdout: 'ignore' },
    ),
    // Opening a named pipe waits for its other end: that must not happen in this process.
    reader: startCommand({ path: cat, args: ['--', pipe], cwd: directory, diesWithUs: true }, { signal }),
    zstd: startCommand(
      { path: compressor, args: ['-1', `-T${threads}`, '-q', '-c'], cwd: directory, diesWithUs: true },
      { signal, stdin: 'pipe' },
    ),
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
