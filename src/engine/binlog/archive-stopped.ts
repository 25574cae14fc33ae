import { createReadStream } from 'node:fs';
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { orCancelled } from '../backup/publish.ts';
import type { JobContext } from '../job-context.ts';
import { proveUnused } from '../mariadb/server-process.ts';
import type { Manifest, StoredObject } from '../repository/manifest.ts';
import { type BinlogBackupInput, shipAndPublish } from './archive.ts';
import { planArchive } from './archive-plan.ts';
import type { FetchedLog } from './fetch-log.ts';
import { LogScan } from './log-scan.ts';
import { scanLog } from './scan-log.ts';
import { logAfter } from './server-logs.ts';
import { readHead, type StoppedLog, stoppedLogs } from './stopped-logs.ts';

/**
 * As `takeBinlogBackup`, of a server that is down: every log is taken from its data directory, the newest as well, without the
 * part of an event that a crash may have left at its end. Throws `conflict` when the directory is in use after all.
 */
export async function takeStoppedBinlogBackup(
  input: BinlogBackupInput,
  datadir: string,
  job: JobContext,
): Promise<Manifest | undefined> {
  return orCancelled(input.backupId, job, () => take(input, datadir, job));
}

async function take(input: BinlogBackupInput, datadir: string, job: JobContext): Promise<Manifest | undefined> {
  const startedAt = new Date();
  await proveUnused(datadir);
  const files = new Map((await stoppedLogs(datadir)).map((log) => [log.name, log]));
  const last = [...files.values()].at(-1);
  if (last === undefined) return undefined;
  const fileOf = (name: string): StoppedLog => files.get(name) ?? last;
  const head = await readHead(last);
  const plan = await planArchive(input.ends, [...files.values(), logAfter(last)], {
    serverId: head.serverId,
    beforeImport: input.beforeImport,
    openedAt: async (name) => (await readHead(fileOf(name))).openedAt,
    // The log that the server will write next begins where its last one ends.
    gtidsBefore: async (name) =>
      files.has(name) ? (await readHead(fileOf(name))).gtidsBefore : endOf(last, job.signal),
  });
  const server = { version: head.version, server_id: head.serverId, hostname: hostname() };
  return shipAndPublish(
    input,
    {
      server,
      plan,
      startedAt,
      fetch: ({ name }, store, onBytes) => copy(fileOf(name), store, onBytes, job.signal),
    },
    job,
  );
}

async function endOf({ name, path, whole }: StoppedLog, signal: AbortSignal): Promise<string> {
  return (await scanLog(createReadStream(path, { end: whole - 1 }), name, {}, signal))?.gtidsAfter ?? '';
}

async function copy(
  { name, path, bytes, whole }: StoppedLog,
  store: (body: Readable) => Promise<StoredObject>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<FetchedLog> {
  const scan = new LogScan(name);
  const packed = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  let passed = 0;
  scan.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    onBytes(passed);
  });
  const fed = pipeline(createReadStream(path, { end: whole - 1 }), scan, packed, { signal });
  // A store that fails gives up the stream: its own error is the one that tells.
  const [object] = await Promise.all([store(packed), fed]);
  return { object, contents: scan.contents(), tornAt: whole < bytes ? whole : undefined };
}
