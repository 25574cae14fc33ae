import { parsePointInTime } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { serviceHistory } from '../recovery/service-history.ts';
import type { Reach } from '../recovery/windows.ts';
import type { BackupRow } from '../store/backups-index.ts';
import { pinsOf } from './pins.ts';
import { type BackupFamily, familyOf, type RetainedBackup } from './retained-backup.ts';

type Context = Pick<EngineContext, 'state'>;

/** All backups of a service as retention sees them, those that a job or a plan needs pinned; on demand also those it found. */
export function backupsOf({ state }: Context, serviceId: string, leaveFound = false): RetainedBackup[] {
  const pinned = pinsOf(state, serviceId);
  return state.backups.of(serviceId).map((row) => {
    const backup = retained(row);
    const need = pinned(backup);
    if (need !== undefined) return { ...backup, pinned: need };
    // Known from its manifest alone: whoever lost the state lost the policies with it.
    if (leaveFound && row.job_id === undefined) return { ...backup, pinned: foundReason };
    return backup;
  });
}

const foundReason = 'it was found in the repository, and no retention was set since';

/** What the service can be taken back by: as its windows are told, where its binary logs are archived, or are to be. */
export function reachesOf(context: Context, serviceId: string): Reach[] {
  const archived = context.state.archivedLogs.newestOf(serviceId) !== undefined;
  if (!archived && !familiesOf(context, serviceId).includes('binarylog')) return [];
  // A backup without any log is one moment, and no window.
  return serviceHistory(context, serviceId).reaches.filter(({ logs, open }) => logs.length > 0 || open);
}

/** The kinds that a schedule or a running job still takes: the newest of each must be there for the next. */
export function familiesOf({ state }: Context, serviceId: string): BackupFamily[] {
  const schedules = state.schedules.list({ service_id: serviceId, page_size: 1000 }).items;
  const types = [
    // One that is suspended may go on tomorrow.
    ...schedules.filter(({ schedule }) => schedule !== 'once').map(({ type }) => type),
    ...state.jobs.activeOf(serviceId).map(({ kind }) => kind),
  ].filter((type) => ['full', 'incremental', 'dump', 'binarylog'].includes(type));
  return [...new Set(types.map((type) => familyOf({ type })))];
}

function retained(row: BackupRow): RetainedBackup {
  const { id, type, status, incarnation, storage_bytes = 0 } = row;
  const start = row.start_time.getTime();
  const ofData = row.point_in_time === undefined ? undefined : parsePointInTime(row.point_in_time)?.getTime();
  // What was archived at a moment holds nothing younger; the newest event may be much older.
  const to = type === 'binarylog' ? (row.end_time?.getTime() ?? start) : (ofData ?? start);
  return {
    id,
    type,
    state: status === 'Succeeded' ? 'good' : status === 'Running' || status === 'Scheduled' ? 'running' : 'failed',
    parent: row.parent,
    incarnation,
    to,
    bytes: status === 'Succeeded' ? storage_bytes : 0,
    order: row.job_id,
  };
}
