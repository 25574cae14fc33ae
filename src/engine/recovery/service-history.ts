import { parsePointInTime } from '../../contract/time.ts';
import { soundChain } from '../chain/chain.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ArchivedLogRow } from '../store/archived-logs.ts';
import type { BackupRow } from '../store/backups-index.ts';
import { type Base, History, type KnownLog } from './history.ts';
import { type Live, type Reach, reachOf } from './windows.ts';

type Context = Pick<EngineContext, 'state'>;

/** What the index knows of a service's past. */
export interface ServiceHistory {
  history: History;
  /** Of every backup that logs may be rolled forward over, or of the one asked for. */
  reaches: Reach[];
}

/** `backupId`: only this backup counts. */
export function serviceHistory({ state }: Context, serviceId: string, backupId?: string): ServiceHistory {
  const history = new History(state.archivedLogs.of(serviceId).map(knownLog), state.restores.beginningsOf(serviceId));
  const live = liveOf({ state }, serviceId);
  const rows = state.backups.of(serviceId).filter(({ id }) => backupId === undefined || id === backupId);
  const bases = rows.filter((row) => isRestorable({ state }, row)).flatMap((row) => baseOf(row) ?? []);
  return { history, reaches: bases.map((base) => reachOf(base, history, live)) };
}

/** Undefined for what no logs may be rolled forward over. */
export function baseOf({
  id,
  incarnation,
  binlog_file,
  binlog_gtid = '',
  point_in_time,
  start_time,
  end_time,
  unfit,
}: BackupRow): Base | undefined {
  if (incarnation === undefined || binlog_file === undefined || binlog_file === '' || unfit !== undefined) {
    return undefined;
  }
  const endedAt = (end_time ?? start_time).getTime();
  const at = point_in_time === undefined ? undefined : parsePointInTime(point_in_time)?.getTime();
  return { id, incarnation, file: binlog_file, gtid: binlog_gtid, at: at ?? endedAt, endedAt };
}

function isRestorable({ state }: Context, { id, type, status }: BackupRow): boolean {
  if (status !== 'Succeeded' || type === 'binarylog') return false;
  if (type !== 'incremental') return true;
  const link = state.backups.linkOf(id);
  return link !== undefined && soundChain(link, state.backups.linkOf) !== undefined;
}

/** Undefined for a service that is no longer registered: nothing more can be archived of it. */
function liveOf({ state }: Context, serviceId: string): Live | undefined {
  const service = state.services.get(serviceId);
  if (service === undefined) return undefined;
  const [newest] = state.archivedLogs.endsOf(serviceId, service.incarnation);
  return {
    incarnation: service.incarnation,
    newest: newest === undefined ? undefined : `${newest.backup_id}/${newest.name}`,
  };
}

function knownLog(row: ArchivedLogRow): KnownLog {
  return {
    backupId: row.backup_id,
    name: row.name,
    incarnation: row.incarnation,
    gtidsBefore: row.gtids_before,
    gtidsAfter: row.gtids_after,
    openedAt: row.opened_at.getTime(),
    closedAt: row.closed_at?.getTime(),
    lastEventAt: row.last_event_at?.getTime(),
    follows: row.follows_backup === undefined ? undefined : `${row.follows_backup}/${row.follows_name}`,
    gap: row.gap_detail,
  };
}
