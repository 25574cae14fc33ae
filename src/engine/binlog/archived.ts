import type { ServiceRecord } from '../service.ts';
import type { ArchivedLogRow } from '../store/archived-logs.ts';
import type { StateStore } from '../store/state-store.ts';
import type { BinlogBackupInput } from './archive.ts';
import type { RangeEnd } from './archive-plan.ts';

type Archived = Pick<BinlogBackupInput, 'ends' | 'earlier' | 'beforeImport'>;

/** What is archived of a service already, as far as the next run has to know it. */
export function archivedBefore(state: StateStore, { id, incarnation }: ServiceRecord): Archived {
  const ends = state.archivedLogs.endsOf(id, incarnation).map(endOf);
  const newest = ends.length > 0 ? undefined : state.archivedLogs.newestOf(id);
  const imported = newest !== undefined && state.restores.beganWithImport(id, incarnation);
  return { ends, earlier: newest?.name, beforeImport: imported ? endOf(newest) : undefined };
}

function endOf(row: ArchivedLogRow): RangeEnd {
  return {
    backupId: row.backup_id,
    name: row.name,
    gtidsAfter: row.gtids_after,
    serverId: row.server_id,
    openedAt: row.opened_at,
    lastEventAt: row.last_event_at,
  };
}

export function nothingWritten({ id }: ServiceRecord, { ends }: Archived): string {
  const [newest] = ends;
  const since = newest === undefined ? '' : ` since ${newest.name} was archived`;
  return `Nothing new: service ${id} has written nothing to its binary log${since}.`;
}

/** Archived logs that follow one another without a gap, proven by their GTIDs. */
export interface ArchivedRange {
  incarnation: string;
  first_log: string;
  last_log: string;
  logs: number;
  /** Before compression. */
  bytes: number;
  /** When its first log was opened. */
  from: Date;
  /** When its newest transaction was committed; undefined while it holds none. */
  to: Date | undefined;
  gtids_before: string;
  gtids_after: string;
  /** Why it does not go on where the range before it ended; undefined for the first, and where logs were deleted. */
  gap: { kind: string; detail: string } | undefined;
}

/** The ranges of a service, the oldest first: recovery to a point in time is possible within one, never across two. */
export function archivedRanges(state: Pick<StateStore, 'archivedLogs'>, serviceId: string): ArchivedRange[] {
  const rows = state.archivedLogs.of(serviceId);
  const keyOf = (backup: string | undefined, name: string | undefined): string => `${backup}/${name}`;
  const known = new Map(rows.map((row) => [keyOf(row.backup_id, row.name), row]));
  const next = new Map(rows.map((row) => [keyOf(row.follows_backup, row.follows_name), row]));
  return rows
    .filter((row) => !known.has(keyOf(row.follows_backup, row.follows_name)))
    .map((first) => {
      const chain = [first];
      for (let row = next.get(keyOf(first.backup_id, first.name)); row !== undefined; ) {
        chain.push(row);
        row = next.get(keyOf(row.backup_id, row.name));
      }
      return rangeOf(first, chain);
    });
}

function rangeOf(first: ArchivedLogRow, chain: readonly ArchivedLogRow[]): ArchivedRange {
  const last = chain.at(-1) ?? first;
  const { gap_kind: kind, gap_detail: detail } = first;
  return {
    incarnation: first.incarnation,
    first_log: first.name,
    last_log: last.name,
    logs: chain.length,
    bytes: chain.reduce((sum, { bytes }) => sum + bytes, 0),
    from: first.opened_at,
    to: chain.findLast((row) => row.last_event_at !== undefined)?.last_event_at,
    gtids_before: first.gtids_before,
    gtids_after: last.gtids_after,
    gap: kind === undefined || detail === undefined ? undefined : { kind, detail },
  };
}
