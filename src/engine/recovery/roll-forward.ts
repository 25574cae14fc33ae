import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SkybackupError } from '../../contract/errors.ts';
import { LogScan } from '../binlog/log-scan.ts';
import type { JobContext } from '../job-context.ts';
import { type CommandExit, describeExit, type RunningCommand, startCommand } from '../mariadb/command.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import type { PrivateServer } from '../mariadb/private-server.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Repository } from '../repository/repository.ts';
import { giveGtidState } from '../restore/gtid-state.ts';
import type { LogOfBackup, RollForward } from '../restore/source.ts';
import type { Staging } from '../restore/staging.ts';
import { partOf } from './part-of-log.ts';
import { ReplayWatch } from './replay-watch.ts';
import { readArchived } from './scan-archived.ts';

/**
 * Replays archived binary logs on a private server that stands at their beginning, until exactly their end, and proves that
 * it got there. Its GTID state is then that of the end. Throws `restore_failed` naming the transaction that was reached,
 * `unsupported` for a statement that may not be replayed, `backup_damaged`, `cancelled`.
 */
export async function rollForward(
  { logs, from, until, cut }: RollForward,
  repository: Repository,
  { server, staging }: { server: PrivateServer; staging: Pick<Staging, 'run' | 'temporary' | 'env'> },
  job: JobContext,
): Promise<void> {
  const { connection } = server;
  // Statements are logged as they were: one that changes no row would else leave no trace, and the goal seem unreached.
  // One that makes a table of rows takes two numbers here and had one there: its successor's would be refused.
  // Nothing is lost by not syncing: these data are thrown away unless the server stops cleanly.
  for (const setting of [
    "binlog_format = 'MIXED'",
    'gtid_strict_mode = OFF',
    'max_allowed_packet = 1073741824',
    'local_infile = ON',
    'innodb_flush_log_at_trx_commit = 0',
    'sync_binlog = 0',
  ]) {
    await connection.query(`SET GLOBAL ${setting}`);
  }
  const files = join(staging.temporary, 'replay');
  mkdirSync(files, { mode: 0o700 });
  const optionFile = join(staging.run, 'replay.cnf');
  const client = await startClient(server, optionFile, staging.env, job.signal);
  const watch = new ReplayWatch(from);
  const total = logs.reduce((sum, { log }) => sum + log.bytes, 0);
  try {
    let done = 0;
    for (const [index, each] of logs.entries()) {
      const part = { begin: index === 0 ? cut.begin : 0, end: index === logs.length - 1 ? cut.end : undefined };
      const onBytes = (bytes: number): void => job.progress(done + bytes, total);
      await replay(each, part, { repository, client, watch, files, env: staging.env, onBytes }, job.signal);
      done += each.log.bytes;
      // What the private server logs of it has no reader, and would take the space of the data twice.
      await connection.query('FLUSH BINARY LOGS');
      await connection.query('PURGE BINARY LOGS BEFORE NOW()');
    }
    watch.prove(await client.finish(), until);
  } catch (error) {
    client.stop();
    await client.exit;
    job.signal.throwIfAborted();
    throw await explain(error, server);
  } finally {
    rmSync(files, { recursive: true, force: true });
    rmSync(optionFile, { force: true });
  }
  const prepared = await connection.query('XA RECOVER');
  if (prepared.length > 0) {
    job.warn(
      `${prepared.length} XA transactions were prepared and not yet ended at that moment: see XA RECOVER, and commit or roll back each.`,
    );
  }
  await connection.query('SET GLOBAL local_infile = OFF');
  await giveGtidState(connection, until);
}

/** The one session that everything is replayed in: temporary tables and variables go from log to log. */
interface ReplayClient {
  readonly input: Writable;
  readonly exit: Promise<CommandExit>;
  stop(): void;
  /** Ends the session and returns the position its server had come to while it was still open. */
  finish(): Promise<string>;
}

async function startClient(
  server: PrivateServer,
  optionFile: string,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ReplayClient> {
  rmSync(optionFile, { force: true });
  await writeOptionFile(optionFile, 'client', server.login);
  const args = [
    // Said here too: were the file not read, the client would replay into the machine's own server.
    '--protocol=socket',
    `--socket=${server.login.socket}`,
    ...['--binary-mode', '--max-allowed-packet=1G', '--local-infile=1', '--batch', '--skip-column-names'],
  ];
  const client = startCommand(
    { path: findTool('mariadb'), args: [`--defaults-file=${optionFile}`, ...args], env },
    { signal, stdin: 'pipe', graceMs: 2000 },
  );
  const { stdin, stdout, exit } = client;
  if (stdin === null || stdout === null) throw new Error('mariadb was started without its pipes');
  // Its exit tells how it went; a broken pipe to it tells nothing more.
  stdin.on('error', () => {});
  const said = lastOf(stdout).catch(() => '');
  const mark = randomBytes(8).toString('hex');
  return {
    input: stdin,
    exit,
    stop: client.stop,
    async finish() {
      stdin.end(`\nSELECT '${mark}', @@GLOBAL.gtid_binlog_pos;\n`);
      const ended = await exit;
      if (ended.code !== 0) throw new ReplayFailure(describeExit(ended));
      const [, position] = new RegExp(`^${mark}\\t(.*)$`, 'm').exec(await said) ?? [];
      if (position === undefined) throw new ReplayFailure('the mariadb client ended before the replay did');
      return position;
    },
  };
}

/** The end of what a program prints: replayed statements may print much. */
async function lastOf(output: Readable): Promise<string> {
  let text = '';
  for await (const chunk of output) text = (text + (chunk as Buffer).toString('latin1')).slice(-65_536);
  return text;
}

/** What went wrong in the pipe; where it had come to is added by who knows the server. */
class ReplayFailure extends Error {}

interface Replaying {
  repository: Repository;
  client: ReplayClient;
  watch: ReplayWatch;
  /** For the files that LOAD DATA statements of a log carry with them; they are read by the client later. */
  files: string;
  env: Readonly<Record<string, string>>;
  onBytes: (bytes: number) => void;
}

/** A part of one log: repository → age, where it is encrypted → zstd → scan → cut → mariadb-binlog → the client. Every member's end counts. */
async function replay(
  of: LogOfBackup,
  part: { begin: number; end: number | undefined },
  { repository, client, watch, files, env, onBytes }: Replaying,
  signal: AbortSignal,
): Promise<void> {
  const { name } = of.log;
  const bytes = await readArchived(repository, of, signal);
  const decoder = startCommand(
    {
      path: findTool('mariadb-binlog'),
      args: ['--no-defaults', '--verify-binlog-checksum', `--local-load=${files}`, '-'],
      env,
    },
    { signal, stdin: 'pipe', graceMs: 2000 },
  );
  const { stdin, stdout } = decoder;
  if (stdin === null || stdout === null) throw new Error('mariadb-binlog was started without its pipes');
  const decoded = ended(decoder, client, pipeline(stdout, client.input, { end: false }));
  const fed = pipeline(bytes, new LogScan(name, watch.of(part)), partOf(part, onBytes), stdin).then(
    () => undefined,
    (error: unknown) => {
      if (!isBrokenPipe(error)) decoder.stop();
      return error;
    },
  );
  const [fault, exit, pipe] = await Promise.all([fed, decoder.exit, decoded]);
  signal.throwIfAborted();
  if (fault instanceof SkybackupError) throw fault;
  if (pipe !== undefined) {
    // The client went first: its words are the cause.
    throw new ReplayFailure(describeExit(await client.exit));
  }
  if (exit.code !== 0) throw new ReplayFailure(describeExit(exit));
  // It goes on after a warning, with code 0, though it may have left something out.
  const words = exit.stderr.filter((line) => line.trim() !== '');
  if (words.length > 0) throw new ReplayFailure(`mariadb-binlog on ${name} said: ${words.slice(0, 3).join(' | ')}`);
  if (fault !== undefined) throw new ReplayFailure(`the binary log ${name} could not be read to its end`);
}

/** Undefined when all that was decoded has been taken; a client that ended early stops its decoder. */
async function ended(decoder: RunningCommand, client: ReplayClient, taken: Promise<void>): Promise<unknown> {
  const early = client.exit.then(() => 'the client ended');
  const result = await Promise.race([
    taken.then(
      () => undefined,
      (error: unknown) => error,
    ),
    early,
  ]);
  if (result !== undefined) decoder.stop();
  return result;
}

function isBrokenPipe(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  );
}

async function explain(error: unknown, { connection }: PrivateServer): Promise<unknown> {
  if (!(error instanceof ReplayFailure)) return error;
  const [row] = await connection
    .query<{ reached: string }>('SELECT @@GLOBAL.gtid_binlog_pos AS reached')
    .catch(() => []);
  return new SkybackupError(
    'restore_failed',
    `Replaying the binary logs failed after ${row?.reached || 'no transaction'}: ${error.message}`,
    { cause: error },
  );
}
