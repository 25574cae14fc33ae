import { SkybackupError } from '../../contract/errors.ts';
import { runCommand } from '../mariadb/command.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { findTool } from '../mariadb/tools.ts';
import { parseLogName } from './log-name.ts';

/** A line of SHOW BINARY LOGS. */
export interface ServerLog {
  name: string;
  bytes: number;
}

/** The one that the server would write after this. */
export function logAfter({ name }: ServerLog): ServerLog {
  const { base, number } = parseLogName(name) ?? { base: 'binlog', number: 0 };
  return { name: `${base}.${String(number + 1).padStart(6, '0')}`, bytes: 0 };
}

/** All logs the server still has, the oldest first; the last is the one being written. */
export async function listLogs(server: SqlConnection): Promise<ServerLog[]> {
  const rows = await server.query<{ Log_name: string; File_size: number }>('SHOW BINARY LOGS');
  return rows.map((row) => ({ name: row.Log_name, bytes: row.File_size }));
}

/** Ends the log that is being written, unless nothing was written since the last time: a quiet server must not collect files. */
export async function rotate(server: SqlConnection): Promise<boolean> {
  const active = (await listLogs(server)).at(-1);
  if (active === undefined) return false;
  const events = await firstEvents(server, active.name);
  if (events.length < looked && events.every(({ Event_type }) => openingEvents.has(Event_type))) return false;
  await server.query('FLUSH BINARY LOGS');
  return true;
}

/** The GTID state with which a log of the server begins. */
export async function gtidsBefore(server: SqlConnection, name: string): Promise<string> {
  const events = await firstEvents(server, name);
  const list = events.find(({ Event_type }) => Event_type === 'Gtid_list');
  if (list !== undefined) return list.Info.replace(/[[\]\s]/g, '');
  throw new SkybackupError('backup_failed', `The binary log ${name} does not begin with a list of GTIDs.`, {
    hint: 'Logs of a server older than MariaDB 10.0 cannot be archived.',
  });
}

/** When a log of the server was opened: of its first event, which no statement can forge. */
export async function openedAt(optionFile: string, name: string, signal: AbortSignal): Promise<Date> {
  const { stdout } = await runCommand(
    {
      path: findTool('mariadb-binlog'),
      // A position within the first event: that one is always sent, and nothing after it.
      args: [`--defaults-file=${optionFile}`, '--read-from-remote-server', '--stop-position=5', '--', name],
      diesWithUs: true,
    },
    { signal },
  );
  const [, year, month, day, time] = /^#(\d\d)(\d\d)(\d\d) +(\d+:\d\d:\d\d) server id/m.exec(stdout) ?? [];
  return new Date(`20${year}-${month}-${day}T${time?.padStart(8, '0')}Z`);
}

interface EventRow {
  Event_type: string;
  Info: string;
}

const looked = 30;

function firstEvents(server: SqlConnection, name: string): Promise<EventRow[]> {
  return server.query<EventRow>('SHOW BINLOG EVENTS IN ? LIMIT ?', [name, looked]);
}

/** With these every log begins. */
const openingEvents: ReadonlySet<string> = new Set([
  'Format_desc',
  'Gtid_list',
  'Binlog_checkpoint',
  'Start_encryption',
]);
