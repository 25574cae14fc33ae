import { unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, describeExit, runCommand, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { StoredObject } from '../repository/manifest.ts';
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

/**
 * One closed log of the server, `mariadb-binlog --raw` → scan → zstd → store, without a copy on disk: --raw writes to files
 * only, and a named pipe is one. When it fails, nothing is stored and every process is gone before it throws.
 */
export async function fetchLog(input: FetchInput): Promise<{ object: StoredObject; contents: LogContents }> {
  const { name, directory, signal } = input;
  const pipe = join(directory, name);
  await runCommand({ path: findTool('mkfifo'), args: ['-m', '600', '--', pipe] }, { signal });
  const commands = startCommands(input, pipe);
  const { source, reader, zstd } = commands;
  if (reader.stdout === null || zstd.stdin === null || zstd.stdout === null) throw new Error('started without pipes');
  const members = [source, reader, zstd];
  const stop = (): void => {
    for (const member of members) member.stop();
  };
  for (const member of members) {
    // One that died leaves the others waiting at the named pipe for ever.
    member.exit.then((exit) => exit.code === 0 || stop(), stop);
  }
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
  const exits = Promise.all(members.map((member) => member.exit));
  exits.catch(() => {});
  const output = zstd.stdout;
  const body = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* output as AsyncIterable<Buffer>;
      const failure = judge(input, await fed, await exits, scan);
      if (failure !== undefined) throw failure;
    } finally {
      stop();
    }
  };
  try {
    const object = await input.store(Readable.from(body(), { objectMode: false, highWaterMark: 1024 * 1024 }));
    return { object, contents: scan.contents() };
  } finally {
    stop();
    await exits.catch(() => {});
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

/** What went wrong, the cause before its consequences; undefined when the log came whole. */
function judge(
  { name, bytes }: FetchInput,
  fed: unknown,
  exits: readonly CommandExit[],
  scan: LogScan,
): SkybackupError | undefined {
  if (fed instanceof SkybackupError) return fed;
  const [source] = exits;
  if (source !== undefined && source.code !== 0 && source.signal !== 'SIGINT') return sourceFailure(name, source);
  const bad =
    exits.find((exit) => exit.code !== 0 && exit.signal !== 'SIGINT') ?? exits.find((exit) => exit.code !== 0);
  if (bad !== undefined) return new SkybackupError('backup_failed', describeExit(bad));
  if (fed !== undefined)
    return new SkybackupError('backup_failed', `The binary log ${name} could not be read.`, { cause: fed });
  // Not the bytes that came: of an encrypted log they are fewer.
  if (scan.contents().end === bytes % 2 ** 32) return undefined;
  return new SkybackupError(
    'backup_failed',
    `The binary log ${name} has ${bytes} bytes on the server, and what came of it ends at ${scan.contents().end}.`,
  );
}

function sourceFailure(name: string, exit: CommandExit): SkybackupError {
  const words = exit.stderr.join('\n');
  if (/Could not find first log file name|Could not open log file/i.test(words)) {
    return new SkybackupError(
      'backup_failed',
      `The server no longer has its binary log ${name}: it was purged meanwhile.`,
      {
        hint: 'Take a binarylog backup again: it goes on with the oldest log left, and says what is missing.',
      },
    );
  }
  if (/Access denied/i.test(words)) {
    return new SkybackupError('access_denied', `The server refused the backup user: ${describeExit(exit)}`);
  }
  if (/Can't connect|Lost connection|gone away/i.test(words)) {
    return new SkybackupError('service_down', `The server went away while ${name} was archived: ${describeExit(exit)}`);
  }
  return new SkybackupError('backup_failed', describeExit(exit));
}
