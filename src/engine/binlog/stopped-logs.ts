import { existsSync } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { SkybackupError } from '../../contract/errors.ts';
import { formatGtids } from '../mariadb/gtid.ts';
import { type EventHeader, eventTypes, headerBytes, magic, readGtidList, readHeader } from './log-events.ts';
import { parseLogName } from './log-name.ts';
import type { ServerLog } from './server-logs.ts';

/** A binary log among a stopped server's files. */
export interface LogFile extends ServerLog {
  path: string;
}

/** One that was read through. */
export interface StoppedLog extends LogFile {
  /** Where its last whole event ends: a server that died may have left a part of one behind it. */
  whole: number;
}

/** What a log's first events say. */
export interface LogHead {
  openedAt: Date;
  serverId: number;
  version: string;
  gtidsBefore: string;
}

/** As `logFiles`, each with where its last whole event ends. */
export async function stoppedLogs(datadir: string): Promise<StoppedLog[]> {
  return Promise.all((await logFiles(datadir)).map(async (log) => ({ ...log, whole: await wholeBytes(log.path) })));
}

/**
 * The logs in a stopped server's data directory, the oldest first, by the index it keeps of them. Throws `service_down` when
 * there is none: the server then writes them elsewhere, and only it knows where.
 */
export async function logFiles(datadir: string): Promise<LogFile[]> {
  for (const entry of (await readdir(datadir)).filter((name) => name.endsWith('.index')).sort()) {
    const lines = (await readFile(join(datadir, entry), 'utf8')).split('\n').filter((line) => line !== '');
    const paths = lines
      .map((line) => (isAbsolute(line) ? line : join(datadir, line)))
      .filter((path) => existsSync(path));
    // A replica's relay logs have such an index, too, and are not its own.
    if (paths.length === 0 || /relay/i.test(entry)) continue;
    if (paths.some((path) => parseLogName(basename(path)) === undefined)) continue;
    return Promise.all(
      paths.map(async (path) => ({
        name: basename(path),
        path,
        bytes: (await stat(path)).size,
      })),
    );
  }
  throw new SkybackupError('service_down', `The server is down, and no binary logs of it lie in ${datadir}.`, {
    hint: 'Start it: its newest binary logs are then archived from the server itself.',
  });
}

/** Reads the first events of a log. Throws `unsupported` for an encrypted one. */
export async function readHead({ path, name }: LogFile): Promise<LogHead> {
  const file = await open(path, 'r');
  try {
    const description = await eventAt(file, magic.length);
    const next = await eventAt(file, magic.length + (description?.header.length ?? 0));
    if (description?.header.type === eventTypes.formatDescription && next?.header.type === eventTypes.gtidList) {
      const { time, server } = description.header;
      return {
        openedAt: new Date(time * 1000),
        serverId: server,
        version: description.bytes.toString('latin1', headerBytes + 2, headerBytes + 52).replace(/\0.*$/s, ''),
        gtidsBefore: formatGtids(readGtidList(next.bytes)),
      };
    }
  } finally {
    await file.close();
  }
  throw new SkybackupError(
    'unsupported',
    `The binary log ${name} cannot be read without its server: it is encrypted.`,
    {
      hint: 'Start the server: it hands its logs out decrypted.',
    },
  );
}

type File = Awaited<ReturnType<typeof open>>;

async function eventAt(file: File, at: number): Promise<{ header: EventHeader; bytes: Buffer } | undefined> {
  const head = Buffer.alloc(headerBytes);
  if ((await file.read(head, 0, headerBytes, at)).bytesRead < headerBytes) return undefined;
  const header = readHeader(head);
  if (header.length < headerBytes || header.length > 16 * 1024 * 1024) return undefined;
  const bytes = Buffer.alloc(header.length);
  return (await file.read(bytes, 0, bytes.length, at)).bytesRead < bytes.length ? undefined : { header, bytes };
}

/** Where the last whole event of a log ends. */
export async function wholeBytes(path: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const window = Buffer.alloc(1024 * 1024);
    let [at, from, filled] = [magic.length, 0, 0];
    while (at + headerBytes <= size) {
      if (at < from || at + headerBytes > from + filled) {
        from = at;
        filled = (await file.read(window, 0, window.length, from)).bytesRead;
        if (filled < headerBytes) return at;
      }
      const { length } = readHeader(window.subarray(at - from));
      if (length < headerBytes || at + length > size) return at;
      at += length;
    }
    return Math.min(at, size);
  } finally {
    await file.close();
  }
}
