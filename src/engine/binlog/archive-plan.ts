import { goesOn } from './gtid-state.ts';
import { follows, parseLogName } from './log-name.ts';
import type { ServerLog } from './server-logs.ts';

/** The last log of a range of archived logs that follow one another. */
export interface RangeEnd {
  backupId: string;
  name: string;
  gtidsAfter: string;
  serverId: number;
  openedAt: Date;
  /** Undefined when the log holds no transaction. */
  lastEventAt: Date | undefined;
}

/** What is asked of the server while it is planned. */
export interface ArchivedServer {
  serverId: number;
  /**
   * Where the range of before an import ends, while there is none of after it. The server's logs went on, cut right before
   * the import: those archived already are not taken again, and no range goes across.
   */
  beforeImport?: RangeEnd | undefined;
  gtidsBefore(name: string): Promise<string>;
  openedAt(name: string): Promise<Date>;
}

/** Why a range of archived logs does not go on where the one before it ended. */
export interface Gap {
  kind: 'purged' | 'reset' | 'renamed' | 'server' | 'incarnation';
  /** A sentence for people. */
  detail: string;
}

/** What to archive now: closed logs, the oldest first, and where they follow on. */
export interface ArchivePlan {
  logs: ServerLog[];
  follows: RangeEnd | undefined;
  /** Undefined when the range goes on, or is the first. */
  gap: Gap | undefined;
}

/**
 * Decides which of the server's logs are not archived yet. `ends` are the ends of all ranges of this incarnation, the newest
 * first; `logs` is what SHOW BINARY LOGS says, its last one still being written. A name alone proves nothing, because RESET
 * MASTER gives all names and GTIDs anew: a range goes on only in a log whose GTIDs begin where the range's end, and while
 * the server still has the range's last log, it has to be the same one.
 */
export async function planArchive(
  ends: readonly RangeEnd[],
  logs: readonly ServerLog[],
  server: ArchivedServer,
): Promise<ArchivePlan> {
  for (const end of ends) {
    const next = await successor(end, logs, server);
    if (next !== undefined) return { logs: logs.slice(logs.indexOf(next), -1), follows: end, gap: undefined };
  }
  const after = server.beforeImport && (await successor(server.beforeImport, logs, server));
  if (after !== undefined) return { logs: logs.slice(logs.indexOf(after), -1), follows: undefined, gap: undefined };
  const [newest] = ends;
  const gap = newest === undefined ? undefined : whyNot(newest, logs, server.serverId);
  return { logs: logs.slice(0, -1), follows: undefined, gap };
}

/** The log that goes on from an archived one; the one being written counts. */
async function successor(
  end: RangeEnd,
  logs: readonly ServerLog[],
  server: ArchivedServer,
): Promise<ServerLog | undefined> {
  const next = await nextByName(end, logs, server);
  return next !== undefined && goesOn(end.gtidsAfter, await server.gtidsBefore(next.name)) ? next : undefined;
}

async function nextByName(
  end: RangeEnd,
  logs: readonly ServerLog[],
  server: ArchivedServer,
): Promise<ServerLog | undefined> {
  if (end.serverId !== server.serverId) return undefined;
  const at = logs.findIndex(({ name }) => name === end.name);
  const next = logs[at + 1];
  if (at >= 0 && next !== undefined) {
    return (await server.openedAt(end.name)).getTime() === end.openedAt.getTime() ? next : undefined;
  }
  const [oldest] = logs;
  return oldest !== undefined && follows(end.name, oldest.name) ? oldest : undefined;
}

function whyNot(end: RangeEnd, logs: readonly ServerLog[], serverId: number): Gap {
  const [last, oldest] = [parseLogName(end.name), parseLogName(logs[0]?.name ?? '')];
  if (end.serverId !== serverId) {
    return {
      kind: 'server',
      detail: `The logs up to ${end.name} are of the server with id ${end.serverId}, not ${serverId}.`,
    };
  }
  if (last?.base !== oldest?.base) {
    return {
      kind: 'renamed',
      detail: `The server calls its logs ${logs[0]?.name} and on; the last one archived is ${end.name}.`,
    };
  }
  if (last !== undefined && oldest !== undefined && oldest.number > last.number + 1) {
    return {
      kind: 'purged',
      detail: `${oldest.number - last.number - 1} binary logs after ${end.name} were purged before they were archived: the oldest left is ${logs[0]?.name}.`,
    };
  }
  return {
    kind: 'reset',
    detail: `The server has begun its binary logs anew (RESET MASTER, or data put back) since ${end.name} was archived.`,
  };
}
