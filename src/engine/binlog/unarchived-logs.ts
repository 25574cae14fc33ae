import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SkybackupError } from '../../contract/errors.ts';
import type { WorkDirectory } from '../backup/work-directory.ts';
import { seeServer } from '../control/seen-server.ts';
import { connectWith } from '../mariadb/connect.ts';
import { readLogin } from '../mariadb/login.ts';
import { writeOptionFile } from '../mariadb/option-file.ts';
import { proveUnused } from '../mariadb/server-process.ts';
import type { StoredService } from '../store/services-table.ts';
import { lookAtBinlog } from './archivable.ts';
import { planArchive, type RangeEnd } from './archive-plan.ts';
import { logFailure, tornAt } from './fetch-verdict.ts';
import type { LogWatch } from './log-scan.ts';
import { openRawLog } from './raw-log.ts';
import { enough, scanLog } from './scan-log.ts';
import { gtidsBefore, listLogs, logAfter, openedAt, type ServerLog } from './server-logs.ts';
import { logFiles, readHead, wholeBytes } from './stopped-logs.ts';

/** A log that the server has and the archive has not. Times in milliseconds since the epoch. */
export interface UnarchivedLog {
  name: string;
  bytes: number;
  openedAt: number;
  /** When the next one was opened; of the one being written, until when it is known. */
  closedAt: number;
  /** Reads what it held when it was listed; `watch` may end the reading by throwing `enough`. */
  scan(watch: LogWatch, signal: AbortSignal): Promise<void>;
}

/** What the server has beyond the archive. */
export interface Unarchived {
  /** Nothing that was committed by then is missing from the archive and these logs together. */
  until: number;
  /** The logs that were still written to after a moment, the oldest first. */
  since(moment: number): Promise<UnarchivedLog[]>;
}

/**
 * Looks which logs of a service are not archived yet, the one being written included, and changes nothing about the server:
 * no log is ended for it. A server that is down is read from its files, where they are on this machine. `work` is in use as
 * long as the logs are. Throws `service_down`, `unsupported`, `privilege_missing`.
 */
export async function unarchivedLogs(
  service: StoredService,
  ends: readonly RangeEnd[],
  work: WorkDirectory,
  signal: AbortSignal,
): Promise<Unarchived> {
  const seen = await seeServer(service, signal);
  if (seen.answer !== 'silent') return ofServer(service, ends, work, signal);
  if (service.datadir !== undefined && seen.process === undefined) return ofFiles(service.datadir, ends);
  throw new SkybackupError('service_down', `The server of ${service.id} does not answer.`, {
    hint: 'Start it, then ask again.',
  });
}

async function ofServer(
  service: StoredService,
  ends: readonly RangeEnd[],
  work: WorkDirectory,
  signal: AbortSignal,
): Promise<Unarchived> {
  const login = await readLogin(service.connection, signal);
  await writeOptionFile(work.optionFile, 'mariadb-binlog', login);
  const opened = (name: string): Promise<Date> => openedAt(work.optionFile, name, signal);
  const connection = await connectWith(login, { signal });
  try {
    const { server_id: serverId } = await lookAtBinlog(connection, service.id);
    const [now] = await connection.query<{ seconds: number; state: string }>(
      'SELECT UNIX_TIMESTAMP() AS seconds, @@gtid_binlog_state AS state',
    );
    const listed = await listLogs(connection);
    const last = listed.at(-1);
    if (last === undefined || now === undefined) throw new Error('the server lists no binary log');
    const { logs } = await planArchive(ends, [...listed, logAfter(last)], {
      serverId,
      openedAt: opened,
      gtidsBefore: async (name) =>
        listed.some((log) => log.name === name) ? gtidsBefore(connection, name) : now.state,
    });
    return unarchived(logs, Number(now.seconds) * 1000, opened, (log, watch, bound) => {
      // A log that is being written may have grown meanwhile, and would be read for ever.
      return scanRemote(log, { ...watch, passed: stopAt(log.bytes, watch) }, work, bound);
    });
  } finally {
    await connection.close();
  }
}

function stopAt(bytes: number, { passed }: LogWatch): NonNullable<LogWatch['passed']> {
  return (header, at) => {
    passed?.(header, at);
    if (header.end === bytes % 2 ** 32) throw enough;
  };
}

async function scanRemote(
  { name }: ServerLog,
  watch: LogWatch,
  { optionFile, target: directory }: WorkDirectory,
  signal: AbortSignal,
): Promise<void> {
  const raw = await openRawLog({ name, optionFile, directory, signal });
  try {
    const fed = await scanLog(raw.output, name, watch, signal).then(
      (contents) => ({ early: contents === undefined }),
      (error: unknown) => ({ error }),
    );
    if ('early' in fed && fed.early) return;
    const source = await raw.source.exit;
    const failed = source.code !== 0 && source.code !== null;
    // That nobody takes its bytes any more is a consequence of what we found.
    if ('error' in fed && (!failed || /Could not write/i.test(source.stderr.join('\n')))) throw fed.error;
    // What a server that died has left of an event counts for nothing, and ends the log.
    if (failed && tornAt(source) === undefined) throw logFailure(name, source);
  } finally {
    raw.stop();
    await raw.gone();
  }
}

async function ofFiles(datadir: string, ends: readonly RangeEnd[]): Promise<Unarchived> {
  await proveUnused(datadir);
  const files = await logFiles(datadir);
  const last = files.at(-1);
  if (last === undefined) throw new Error('an index without logs');
  const fileOf = (name: string) => files.find((log) => log.name === name) ?? last;
  const opened = async (name: string): Promise<Date> => (await readHead(fileOf(name))).openedAt;
  const { logs } = await planArchive(ends, [...files, logAfter(last)], {
    serverId: (await readHead(last)).serverId,
    openedAt: opened,
    // Asked of a log that is still to come only when the last one is archived; then nothing is missing.
    gtidsBefore: async (name) =>
      files.some((log) => log.name === name) ? (await readHead(fileOf(name))).gtidsBefore : (ends[0]?.gtidsAfter ?? ''),
  });
  const { mtime } = await stat(last.path);
  return unarchived(logs, mtime.getTime(), opened, async ({ name }, watch, signal) => {
    const { path } = fileOf(name);
    await scanLog(createReadStream(path, { end: (await wholeBytes(path)) - 1 }), name, watch, signal);
  });
}

function unarchived(
  logs: readonly ServerLog[],
  until: number,
  opened: (name: string) => Promise<Date>,
  scan: (log: ServerLog, watch: LogWatch, signal: AbortSignal) => Promise<void>,
): Unarchived {
  return {
    until,
    async since(moment) {
      const found: UnarchivedLog[] = [];
      let closedAt = until;
      for (const log of logs.toReversed()) {
        const openedAt = (await opened(log.name)).getTime();
        found.unshift({ ...log, openedAt, closedAt, scan: (watch, signal) => scan(log, watch, signal) });
        // Times are told in whole seconds: the one before may end in the very same.
        if (openedAt < moment) break;
        closedAt = openedAt;
      }
      return found;
    },
  };
}
