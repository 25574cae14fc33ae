import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { startCommand } from '../mariadb/command.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { containsGtids, highestGtids, sameGtids } from '../mariadb/gtid.ts';
import { findTool } from '../mariadb/tools.ts';

/**
 * The highest sequence per domain and server that a STOPPED server's binary log holds; `base` is the path of its logs without
 * their numbers. A clean
 * shutdown writes `binlog.state`; after a crash that file is the one of before, and the last log itself is read.
 */
export async function stoppedGtidState(base: string, signal?: AbortSignal): Promise<string> {
  const state = `${base}.state`;
  const noted = existsSync(state) ? readFileSync(state, 'utf8').trim().split('\n').join(',') : '';
  const last = lastLog(base);
  return last === undefined || !wasCutOff(last) ? highestGtids(noted) : highestGtids(noted, await decode(last, signal));
}

async function decode(log: string, signal: AbortSignal | undefined): Promise<string> {
  const command = startCommand(
    {
      path: findTool('mariadb-binlog'),
      // Not --force-read: on the torn last event of a server that died it never ends. Without, it prints what comes before.
      args: ['--no-defaults', '--base64-output=never', log],
    },
    { stdin: 'ignore', ...(signal === undefined ? {} : { signal }) },
  );
  let highest = '';
  if (command.stdout !== null) {
    for await (const line of createInterface({ input: command.stdout, crlfDelay: Infinity })) {
      for (const list of gtidsOf(line)) highest = highestGtids(highest, list);
    }
  }
  await command.exit;
  signal?.throwIfAborted();
  return highest;
}

/** The GTIDs named in one line of a binary log's text form: of its list of earlier ones (many lines), or a transaction's. */
export function gtidsOf(line: string): string[] {
  const match =
    /Gtid list \[(\d+-\d+-\d+)/.exec(line) ?? /^# (\d+-\d+-\d+)[,\]]/.exec(line) ?? /\tGTID (\d+-\d+-\d+)\b/.exec(line);
  return match?.[1] === undefined ? [] : [match[1]];
}

/**
 * Empties the private server's binary log and gives it a GTID state from which no transaction id can be issued that was
 * issued before: else the restored server would begin again at 0-1-1, and replicas and archives would mix two histories.
 */
export async function giveGtidState(connection: SqlConnection, state: string): Promise<void> {
  await connection.query('RESET MASTER');
  if (state !== '') await connection.query('SET GLOBAL gtid_binlog_state = ?', [state]);
  const given = await liveGtidState(connection);
  if (!containsGtids(given, state)) throw new Error(`the GTID state is ${given}, not ${state}`);
}

/**
 * Of data that come from a replica, its position in the primary's history becomes the one that the data are of: what the
 * tables say of it may be from before the logs that were replayed, and a replica that began there would do them again.
 */
export async function giveReplicaPosition(connection: SqlConnection, reached: string): Promise<void> {
  const [row] = await connection.query<{ position: string }>('SELECT @@GLOBAL.gtid_slave_pos AS position');
  const position = row?.position ?? '';
  if (position === '' || sameGtids(position, reached)) return;
  await connection.query('SET GLOBAL gtid_slave_pos = ?', [reached]);
}

/** The highest sequence per domain and server that a running server has logged. */
export async function liveGtidState(connection: SqlConnection): Promise<string> {
  const [row] = await connection.query<{ state: string }>('SELECT @@GLOBAL.gtid_binlog_state AS state');
  return row?.state ?? '';
}

function lastLog(base: string): string | undefined {
  const index = `${base}.index`;
  if (!existsSync(index)) return undefined;
  const name = readFileSync(index, 'utf8').trim().split('\n').at(-1);
  if (name === undefined || name === '') return undefined;
  const path = isAbsolute(name) ? name : join(dirname(base), name);
  return existsSync(path) ? path : undefined;
}

/** The in-use flag of a log's first event: set while a server writes it, cleared when it is closed properly. */
function wasCutOff(log: string): boolean {
  const flagsAt = 4 + 17;
  const head = Buffer.alloc(flagsAt + 2);
  const file = openSync(log, 'r');
  try {
    if (readSync(file, head, 0, head.length, 0) < head.length) return true;
  } finally {
    closeSync(file);
  }
  return (head.readUInt16LE(flagsAt) & 1) === 1;
}
