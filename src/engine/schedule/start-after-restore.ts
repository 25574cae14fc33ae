import { SkybackupError } from '../../contract/errors.ts';
import { serverIn } from '../control/seen-server.ts';
import type { EngineContext } from '../engine-context.ts';
import { startBackup } from '../jobs/backup-job.ts';
import { findService } from '../services/find-service.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';
import { takenAfter } from './after-restore.ts';

/**
 * Starts the backup that a restore wants, for the ticker; undefined where a backup of these data came first. Throws
 * `conflict` while a lane is taken, and `service_down` while the service is stopped: then it stays wanted.
 */
export function startAfterRestore(context: EngineContext, schedule: ScheduleRow): { jobId: number } | undefined {
  const { state } = context;
  const { id, type, after_restore: restoreId = 0 } = schedule;
  const service = findService(state, schedule.service_id);
  const taken = state.backups.lastGood(service.id);
  if (taken?.incarnation === service.incarnation && (taken.type !== 'dump' || type === 'dump')) {
    state.schedules.change(id, { status: 'Succeeded', message: `Not needed: backup ${taken.id} was taken since.` });
    return undefined;
  }
  if (service.datadir !== undefined && serverIn(service.datadir) === undefined) {
    throw new SkybackupError(
      'service_down',
      `${service.id} is stopped. As soon as it runs, the backup is ${takenAfter(restoreId)}`,
    );
  }
  return startBackup(context, service, { type, scheduleId: id, repeated: false }, () =>
    state.schedules.change(id, { message: `It is being ${takenAfter(restoreId)}` }),
  );
}
