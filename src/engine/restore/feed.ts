import { pipeline } from 'node:stream/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { type CommandExit, type CommandSpec, describeExit, startCommand } from '../mariadb/command.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { RunAs } from './data-place.ts';

const reportEveryBytes = 4 * 1024 * 1024;

export interface FeedOptions {
  /** Of every process of the pipe. */
  env: Readonly<Record<string, string>>;
  /** Who they have to be, where what they write is another's. */
  as?: RunAs;
  signal: AbortSignal;
  /** Bytes before compression, estimated from those read. */
  onBytes: (bytes: number) => void;
  /** What the program does, for its failure: "Unpacking". */
  doing: string;
}

/**
 * Feeds a backup's bytes to a program: repository → age, where it is encrypted → zstd → its stdin. Each block was checked before it comes here, and the
 * end of every member counts. Throws `backup_damaged`, `identity_missing`, `restore_failed` with the tool's words, `cancelled`.
 */
export async function feed(
  manifest: Manifest,
  repository: Repository,
  program: CommandSpec,
  options: FeedOptions,
): Promise<void> {
  const { env, as = {}, doing } = options;
  const opener = await repository.opener(manifest);
  // One failure ends all: a reader that waits for a dead writer would wait for ever.
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  // As ourselves: whose the data are may not read our identities.
  const age = opener && startCommand(opener, { signal, stdin: 'pipe', graceMs: 2000 });
  const zstd = startCommand(
    { path: findTool('zstd'), args: ['-d', '-q', '-c'], env, ...as },
    { signal, stdin: age?.stdout ?? 'pipe', graceMs: 2000 },
  );
  const input = age?.stdin ?? zstd.stdin;
  if (zstd.stdout === null || input === null) throw new Error('zstd was started without its pipes');
  const reader = startCommand(
    { ...program, env: { ...env, ...program.env }, ...as },
    { signal, stdin: zstd.stdout, stdout: 'ignore', graceMs: 2000 },
  );
  const fed = await pipeline(repository.read(manifest, signal), counted(manifest, options), input).then(
    () => undefined,
    (error: unknown) => {
      // A broken pipe is the consequence of a tool's own failure: let that one finish its words.
      if (!isBrokenPipe(error)) failed.abort();
      return error;
    },
  );
  const exits = await Promise.all([...(age === undefined ? [] : [age.exit]), zstd.exit, reader.exit]);
  options.signal.throwIfAborted();
  if (fed instanceof SkybackupError) throw fed;
  judge(exits, fed, doing);
}

function counted(manifest: Manifest, { onBytes }: FeedOptions) {
  const stored = manifest.objects[0].bytes;
  const ratio = manifest.disk_bytes / Math.max(1, stored);
  let [read, reported] = [0, 0];
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      yield chunk;
      read += chunk.length;
      if (read - reported < reportEveryBytes && read < stored) continue;
      reported = read;
      onBytes(Math.min(manifest.disk_bytes, Math.round(read * ratio)));
    }
  };
}

function judge(exits: readonly CommandExit[], fed: unknown, doing: string): void {
  // A tool that was cut off says that its input ended too early: why it did is what counts.
  if (fed !== undefined && !isBrokenPipe(fed)) {
    const why = fed instanceof Error ? fed.message : String(fed);
    throw new SkybackupError('restore_failed', `The backup could not be read to its end: ${why}.`, { cause: fed });
  }
  const bad = exits.filter((exit) => exit.code !== 0);
  // All of them: one that only lost its reader says so, and which was first cannot be seen from here.
  const words = bad.map(describeExit).join(' ');
  if (bad.length > 0) throw new SkybackupError('restore_failed', `${doing} failed: ${words}`, { cause: fed });
  if (fed !== undefined)
    throw new SkybackupError('restore_failed', 'The backup could not be read to its end.', { cause: fed });
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}
