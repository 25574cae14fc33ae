import type { LogWatch } from '../binlog/log-scan.ts';
import type { UnarchivedLog } from '../binlog/unarchived-logs.ts';
import type { EngineContext } from '../engine-context.ts';
import { coveredUntil, type History, type KnownLog, keyOf } from './history.ts';
import { storedLogs } from './resolve.ts';
import { scanArchived } from './scan-archived.ts';

/** A log that is looked through, wherever it lies. */
export interface SoughtLog {
  archived: boolean;
  times: Pick<KnownLog, 'openedAt' | 'closedAt' | 'lastEventAt'>;
  /** The commit time of the newest transaction in the log before it, as far as it is known. */
  before: number | undefined;
  bytes(): Promise<number>;
  scan(watch: LogWatch, signal: AbortSignal): Promise<void>;
}

/** The archived logs in which transactions of a span may be, the oldest first. */
export function archivedIn(
  { repository }: Pick<EngineContext, 'repository'>,
  { serviceId, history }: { serviceId: string; history: History },
  { from, to }: { from: number; to: number },
): SoughtLog[] {
  const stored = storedLogs({ repository }, serviceId);
  const known = new Map(history.logs.map((log) => [keyOf(log), log]));
  return history.logs
    .filter((log) => log.openedAt <= to && (coveredUntil([log]) ?? 0) >= from)
    .map((log) => ({
      archived: true,
      times: log,
      before: known.get(log.follows ?? '')?.lastEventAt,
      bytes: async () => (await stored(log)).log.bytes,
      scan: async (watch, signal) => scanArchived(repository, await stored(log), watch, signal),
    }));
}

/** The same of a log that is not archived yet. No transaction before it counts as later than its opening. */
export function unarchivedLog({ openedAt, closedAt, bytes, scan }: UnarchivedLog): SoughtLog {
  const times = { openedAt, closedAt, lastEventAt: undefined };
  return { archived: false, times, before: undefined, bytes: async () => bytes, scan };
}

/** As many as may be read at one look: from the first on, or from the last back. In their order; the first is always read. */
export async function affordable(
  logs: readonly SoughtLog[],
  end: 'first' | 'last',
  most: number,
): Promise<{ logs: SoughtLog[]; more: boolean }> {
  const chosen: SoughtLog[] = [];
  let bytes = 0;
  for (const log of end === 'first' ? logs : logs.toReversed()) {
    bytes += await log.bytes();
    if (bytes > most && chosen.length > 0) break;
    chosen.push(log);
  }
  return { logs: end === 'first' ? chosen : chosen.reverse(), more: chosen.length < logs.length };
}
