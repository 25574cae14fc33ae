import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { SkybackupError } from '../../contract/errors.ts';
import { sealCommands } from '../encryption/age.ts';
import type { CommandExit, CommandSpec } from '../mariadb/command.ts';
import { noSchemasIn } from '../mariadb/no-schemas.ts';
import type { TableFacts } from '../mariadb/tables.ts';
import { findTool } from '../mariadb/tools.ts';
import type { StoredObject } from '../repository/manifest.ts';
import { type BackupPosition, readPosition } from './lsn-files.ts';
import { bytesRead, type Pipe, startPipe } from './pipe.ts';
import { BackupStages } from './stages.ts';
import { verdict } from './verdict.ts';
import type { WorkDirectory } from './work-directory.ts';

export interface CopyInput {
  datadir: string;
  /** Only pages changed since are copied: the `to_lsn` of the parent. Undefined: all pages. */
  sinceLsn: string | undefined;
  work: WorkDirectory;
  parallel: number;
  lockWaitSeconds: number;
  signal: AbortSignal;
  /** To whom the stream is encrypted; none: to nobody. */
  recipients: readonly string[];
  /** Stores the packed stream. It ends without an error only when the whole pipe did well. */
  store: (body: Readable) => Promise<StoredObject>;
  /** Asked while no table can be made, changed or dropped, so that the list fits the copied data. */
  tables: () => Promise<TableFacts[]>;
  /** Asked after a lock did not come in time. */
  lockHolders: () => Promise<{ words: string; sessions: number[] }>;
  /** Bytes before compression. */
  onBytes: (bytes: number) => void;
  onWaiting: (stage: string | undefined) => void;
}

export interface CopiedData {
  object: StoredObject;
  position: BackupPosition;
  tables: TableFacts[];
  /** The moment the data is of. */
  dataOf: Date;
  diskBytes: number;
}

/** `mariadb-backup | zstd | age` into the store, the last only with recipients. When it fails, every process is gone before it throws. */
export async function copyData(input: CopyInput): Promise<CopiedData> {
  let tables: Promise<TableFacts[]> | undefined;
  let pipe: Pipe | undefined;
  const stages = new BackupStages(input.lockWaitSeconds * 1000, input.onWaiting, () => pipe?.stop());
  stages.onDdlBlocked = () => {
    tables = input.tables();
    // Awaited at the end; until then a lost connection must not be an unhandled rejection.
    tables.catch(() => {});
  };
  const judge = async (exits: CommandExit[]): Promise<SkybackupError | undefined> =>
    stages.timedOut === undefined ? verdict(exits, stages.notable) : lockTimeout(input, stages.timedOut);

  pipe = startPipe([backupCommand(input, stages), ...packCommands(input.recipients)], input.signal, judge);
  const stopCounting = countBytes(pipe, input.onBytes);
  try {
    const object = await input.store(pipe.body);
    const [position, exits] = [await readPosition(input.work.lsn), await pipe.exits];
    return {
      object,
      position,
      tables: await (tables ?? input.tables()),
      dataOf: stages.commitsBlockedAt ?? new Date(),
      diskBytes: uncompressedBytes(exits) ?? stopCounting(),
    };
  } finally {
    stopCounting();
    stages.end();
    pipe.stop();
    await pipe.exits.catch(() => {});
  }
}

function backupCommand({ datadir, sinceLsn, work, parallel }: CopyInput, stages: BackupStages) {
  return {
    path: findTool('mariadb-backup'),
    args: [
      // Must be the first.
      `--defaults-file=${work.optionFile}`,
      '--backup',
      `--datadir=${datadir}`,
      ...leftOut(datadir),
      ...(sinceLsn === undefined ? [] : [`--incremental-lsn=${sinceLsn}`]),
      '--stream=mbstream',
      `--target-dir=${work.target}`,
      `--extra-lsndir=${work.lsn}`,
      `--parallel=${parallel}`,
      // While DDL is blocked, the copier of the redo log is waited for: by default up to a second.
      '--log-copy-interval=100',
    ],
    cwd: work.path,
    diesWithUs: true,
    onStderrLine: stages.line,
  };
}

/** It would read, or fail to read, every folder in the data directory, and restored data would have it as a schema. */
function leftOut(datadir: string): string[] {
  const folders = noSchemasIn(datadir);
  return folders.length === 0 ? [] : [`--databases-exclude=${folders.join(' ')}`];
}

/** The members of a backup's pipe that take its data: `zstd`, and `age` where there are recipients. */
export function packCommands(recipients: readonly string[]): CommandSpec[] {
  return [compressCommand(), ...sealCommands(recipients)];
}

function compressCommand(): CommandSpec {
  const threads = Math.max(1, Math.min(4, availableParallelism() - 1));
  // -vv makes its last line tell the exact sizes.
  return { path: findTool('zstd'), args: ['-1', `-T${threads}`, '-vv', '--no-progress', '-c'], diesWithUs: true };
}

/** Reports every half second what the compressor has taken so far; the returned function stops it and gives the last count. */
function countBytes(pipe: Pipe, onBytes: (bytes: number) => void): () => number {
  const pid = pipe.members[1]?.pid ?? -1;
  let last = 0;
  const timer = setInterval(() => {
    void bytesRead(pid).then((bytes) => {
      if (bytes === undefined || bytes <= last) return;
      last = bytes;
      onBytes(bytes);
    });
  }, 500);
  return () => {
    clearInterval(timer);
    return last;
  };
}

/** From zstd's last lines: `(1000000 B => 110 B, …)`. */
function uncompressedBytes(exits: readonly CommandExit[]): number | undefined {
  const line = exits[1]?.stderr.find((text) => /\(\s*\d+ B =>/.test(text));
  const bytes = /\(\s*(\d+) B =>/.exec(line ?? '')?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

async function lockTimeout({ lockWaitSeconds, lockHolders }: CopyInput, stage: string): Promise<SkybackupError> {
  const holders = await lockHolders().catch(() => undefined);
  return new SkybackupError(
    'lock_timeout',
    `The server did not grant the backup's lock (${stage}) within ${lockWaitSeconds} s. ${
      holders === undefined ? 'Who holds it could not be asked' : `Held up by: ${holders.words}`
    }.`,
    { details: { stage, sessions: holders?.sessions ?? [] } },
  );
}
