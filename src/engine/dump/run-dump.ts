import type { Readable } from 'node:stream';
import { SkybackupError } from '../../contract/errors.ts';
import { packCommands } from '../backup/copy-data.ts';
import { type Pipe, startPipe } from '../backup/pipe.ts';
import type { CommandExit } from '../mariadb/command.ts';
import type { Login } from '../mariadb/login.ts';
import { findTool } from '../mariadb/tools.ts';
import type { Manifest, StoredObject } from '../repository/manifest.ts';
import type { DumpFacts } from './dump-facts.ts';
import { readDumpPosition } from './position.ts';
import { lockAllTables, type ReadLock } from './read-lock.ts';
import { SqlStream } from './sql-stream.ts';
import { StallWatch } from './stall-watch.ts';
import { dumpVerdict, isWarning } from './verdict.ts';

export interface RunDumpInput {
  facts: DumpFacts;
  login: Login;
  optionFile: string;
  /** The accounts' statements. */
  accounts: string;
  /** Hold all tables still for as long as the dump takes. */
  lockAll: boolean;
  lockWaitSeconds: number;
  signal: AbortSignal;
  /** Asked once the dump is whole, and before it is stored: what fails here leaves nothing. */
  onWhole: () => Promise<void>;
  /** To whom the stream is encrypted; none: to nobody. */
  recipients: readonly string[];
  /** Stores the packed stream. It ends without an error only when the whole pipe did well. */
  store: (body: Readable) => Promise<StoredObject>;
  /** Bytes before compression. */
  onBytes: (bytes: number) => void;
  onWaiting: (waits: boolean) => void;
}

export interface RanDump {
  object: StoredObject;
  binlog: Manifest['binlog'];
  /** The moment the data is of. */
  dataOf: Date;
  /** Of the SQL text. */
  bytes: number;
  longestLine: number;
  /** What mariadb-dump warned of. */
  warnings: string[];
}

/** `mariadb-dump | zstd | age` into the store. When it fails, every process and session of it is gone before it throws. */
export async function runDump(input: RunDumpInput): Promise<RanDump> {
  const { facts, login, lockAll, lockWaitSeconds, signal, onBytes, onWaiting } = input;
  const telling = lockAll ? setTimeout(() => onWaiting(true), 1000) : undefined;
  const lock = lockAll
    ? await lockAllTables(login, { signal, lockWaitSeconds }).finally(() => clearTimeout(telling))
    : undefined;
  if (lock) onWaiting(false);

  let pipe: Pipe | undefined;
  const sql = new SqlStream(input.accounts, facts.sequenceDefaults.early);
  const lines: string[] = [];
  const watch = new StallWatch({
    login,
    after: facts.session,
    lockWaitSeconds,
    bytes: () => sql.bytes,
    onWaiting,
    onTimeout: () => pipe?.stop(),
  });
  let binlog: Manifest['binlog'] = null;
  const judge = async (exits: CommandExit[]): Promise<SkybackupError | undefined> => {
    const failure = (await watch.timeout()) ?? dumpVerdict(exits, lines, sql.tail) ?? (await lostLock(lock));
    if (failure !== undefined) return failure;
    if (facts.binaryLog) binlog = readDumpPosition(sql.head, sql.tail);
    await input.onWhole();
    return undefined;
  };

  const counting = setInterval(() => onBytes(sql.bytes), 500);
  // Its transaction begins after this: in a dump without the lock, what was written later may be in it or not.
  const startedAt = new Date();
  try {
    const dump = {
      ...dumpCommand(input),
      through: sql,
      onStderrLine: (line: string) => {
        // A flood of the same must not fill the memory.
        if (lines.length < 100) lines.push(line);
      },
    };
    pipe = startPipe([dump, ...packCommands(input.recipients)], signal, judge);
    const object = await input.store(pipe.body);
    return {
      object,
      binlog,
      dataOf: lock?.since ?? startedAt,
      bytes: sql.bytes,
      longestLine: sql.longestLine,
      warnings: lines.filter(isWarning),
    };
  } finally {
    clearInterval(counting);
    pipe?.stop();
    await pipe?.exits.catch(() => {});
    await watch.end();
    await lock?.release();
  }
}

function dumpCommand({ facts, optionFile }: RunDumpInput) {
  return {
    path: findTool('mariadb-dump'),
    args: [
      // Must be the first.
      `--defaults-file=${optionFile}`,
      '--all-databases',
      // Accounts come as statements, and the rest of it is the server's own.
      '--ignore-database=mysql',
      // A folder that is no schema, yet listed as one where the data directory is a mount point of ext4.
      '--ignore-database=#mysql50#lost+found',
      // Under the lock too: it turns off mariadb-dump's own locks.
      '--single-transaction',
      '--routines',
      '--triggers',
      '--events',
      '--hex-blob',
      '--default-character-set=utf8mb4',
      // Its own 24 MiB end the dump at the first larger row.
      '--max-allowed-packet=1G',
      ...(facts.binaryLog ? ['--master-data=2'] : []),
      ...(facts.sequenceDefaults.any ? ['--skip-add-locks'] : []),
      ...(facts.history === 'kept' ? ['--dump-history'] : []),
      ...facts.brokenViews.map(({ schema, name }) => `--ignore-table=${schema}.${name}`),
    ],
    diesWithUs: true,
  };
}

async function lostLock(lock: ReadLock | undefined): Promise<SkybackupError | undefined> {
  if (lock === undefined || (await lock.release())) return undefined;
  return new SkybackupError(
    'backup_failed',
    'The server ended the session that held the tables still, so that they may be of different moments.',
  );
}
