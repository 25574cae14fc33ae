import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { StoredObject } from '../repository/manifest.ts';
import { fetchFailure, tornAt } from './fetch-verdict.ts';
import { type LogContents, LogScan } from './log-scan.ts';
import { openRawLog, type RawLogInput } from './raw-log.ts';

export interface FetchInput extends RawLogInput {
  /** Bytes of the file as the server lists it. */
  bytes: number;
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
 * One closed log of the server, `mariadb-binlog --raw` → scan → zstd → store. When it fails, nothing is stored and every
 * process is gone before it throws.
 */
export async function fetchLog(input: FetchInput): Promise<FetchedLog> {
  const { name, directory, signal } = input;
  const threads = Math.max(1, Math.min(4, availableParallelism() - 1));
  const compressor = {
    path: findTool('zstd'),
    args: ['-1', `-T${threads}`, '-q', '-c'],
    cwd: directory,
    diesWithUs: true,
  };
  const raw = await openRawLog(input);
  const zstd = startCommand(compressor, { signal, stdin: 'pipe' });
  if (zstd.stdin === null || zstd.stdout === null) throw new Error('started without pipes');
  const stop = (): void => {
    raw.stop();
    zstd.stop();
  };
  // One that died leaves the others waiting for ever.
  for (const member of [raw.reader, zstd]) member.exit.then((exit) => exit.code === 0 || stop(), stop);

  const scan = new LogScan(name);
  let passed = 0;
  scan.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    input.onBytes(passed);
  });
  const fed = pipeline(raw.output, scan, zstd.stdin).then(
    () => undefined,
    (error: unknown) => {
      stop();
      return error;
    },
  );
  const exits = Promise.all([raw.source.exit, raw.reader.exit, zstd.exit]);
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
    await Promise.allSettled([exits, raw.gone()]);
  }
}
