import type { BackupType } from '../../contract/backups.ts';
import { checkCron, once } from '../../contract/cron.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Schedule, SchedulePatch, ScheduleRequest, ScheduleType } from '../../contract/schedules.ts';
import { weakened } from '../../plans/schedule-effect.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { startBackup } from '../jobs/backup-job.ts';
import { kindFor } from '../jobs/backup-kinds.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import { findSchedule } from '../plans/schedule-operations.ts';
import { findService } from '../services/find-service.ts';
import { wantedStorage } from '../storages/wanted-storage.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';
import type { StoredService } from '../store/services-table.ts';
import { drillCron, drillWarnings, startDrill } from './drills.ts';
import { nextRunAfter } from './next-run.ts';
import { scheduleView } from './schedule-view.ts';
import { startAfterRestore } from './start-after-restore.ts';

/**
 * Creates a schedule; a one-time one starts at once, or throws `conflict` naming the job that is in its way. Backups to a
 * place that is new to the service need a plan, or an administrator.
 */
export async function createSchedule(
  context: EngineContext,
  request: ScheduleRequest,
  asker: Asker,
): Promise<Schedule> {
  const service = findService(context.state, request.service_id);
  const { backup_type: type, checks } = request;
  if (type === 'drill') {
    refusePlace(request);
    const warnings = await drillWarnings(context, { service_id: service.id, checks });
    return addRepeated(context, service, { type, checks, schedule: drillCron(request), warnings });
  }
  kindFor(service, type);
  if (checks !== undefined) {
    throw new SkybackupError('invalid_request', `A ${type} backup has no "checks": a schedule of type drill has.`);
  }
  const storage = await wantedStorage(context, request, asker);
  const cron = request.schedule === once ? undefined : checkCron(request.schedule);
  const create = (): Schedule =>
    cron === undefined
      ? startOnce(context, service, type, storage)
      : addRepeated(context, service, { type, schedule: cron, storage });
  const isNew = storage !== undefined && context.storages.isNewTo(service.id, storage);
  if (!isNew && asker.planId === undefined) return create();
  const args = { service_id: service.id, backup_type: type, schedule: cron ?? once, storage };
  return carryOutPlanned(context, { operation: 'create_schedule', arguments: args }, asker, undefined, create);
}

/** A drill reads a backup where it lies. */
function refusePlace({ storage, external_storage }: ScheduleRequest): void {
  if (storage === undefined && external_storage === undefined) return;
  throw new SkybackupError('invalid_request', 'A drill takes no backup, so it has no "storage".');
}

function addRepeated(
  context: EngineContext,
  service: StoredService,
  {
    schedule,
    warnings = [],
    ...what
  }: Pick<ScheduleRequest, 'checks'> & {
    type: ScheduleType;
    schedule: string;
    storage?: string | undefined;
    warnings?: string[];
  },
): Schedule {
  const { state, clock } = context;
  const row = state.schedules.add({
    ...what,
    service_id: service.id,
    schedule,
    message: what.type === 'drill' ? 'The drill is scheduled.' : 'Backup is scheduled.',
    warnings: [...warnings, ...(context.startedBy === 'client' ? [endsWithTheMachine] : [])],
    next_run_at: nextRunAfter(schedule, clock.now()),
  });
  return scheduleView(context, row);
}

const endsWithTheMachine =
  'This daemon was started by a client and does not come back after the machine restarts: have the machine start "skybackup serve" to keep the schedule.';

/** Starts the run that is due, for the ticker; undefined when it is not needed any more. Throws `conflict` when it would overlap. */
export function startScheduledRun(context: EngineContext, schedule: ScheduleRow): { jobId: number } | undefined {
  if (schedule.after_restore !== undefined) return startAfterRestore(context, schedule);
  if (schedule.type === 'drill') return startDrill(context, schedule);
  const service = findService(context.state, schedule.service_id);
  const { id, type, storage } = schedule;
  return startBackup(context, service, { type, storage, scheduleId: id, repeated: true }, () => undefined);
}

/** Changes a repeated schedule. Where protection drops, an approved plan or an administrator is needed. */
export async function updateSchedule(
  context: EngineContext,
  id: number,
  patch: SchedulePatch,
  asker: Asker,
): Promise<Schedule> {
  const row = findSchedule(context, id);
  if (row.schedule === once) {
    throw new SkybackupError('invalid_schedule', `Schedule ${id} is a one-time backup, which cannot be changed.`, {
      hint: 'Create a new schedule instead.',
    });
  }
  if (patch.schedule === once) {
    throw new SkybackupError('invalid_schedule', `Schedule ${id} is repeated and cannot become a one-time backup.`, {
      hint: 'Create a one-time schedule beside it, and suspend or delete this one.',
    });
  }
  if (row.type === 'drill' && patch.backup_type !== undefined) {
    throw new SkybackupError('invalid_schedule', `Schedule ${id} is a drill, and takes no backups.`, {
      hint: 'Create a schedule of that type beside it, and delete this one if it is not wanted any more.',
    });
  }
  if (patch.backup_type !== undefined) kindFor(findService(context.state, row.service_id), patch.backup_type);
  const cron = patch.schedule === undefined ? undefined : checkCron(patch.schedule);
  const change = (): ScheduleRow => changeRow(context, id, patch, cron);
  const drops = weakened(scheduleView(context, row), patch, new Date(context.clock.now()));
  const changed =
    drops.length === 0 && asker.planId === undefined
      ? context.state.transaction(change)
      : await carryOutPlanned(
          context,
          { operation: 'update_schedule', arguments: { id, ...patch } },
          asker,
          undefined,
          change,
        );
  return scheduleView(context, changed);
}

/** Deletes a schedule; the backups it made stay. Throws `conflict` while its job runs. */
export async function deleteSchedule(context: EngineContext, id: number, asker: Asker): Promise<void> {
  findSchedule(context, id);
  await carryOutPlanned(context, { operation: 'delete_schedule', arguments: { id } }, asker, undefined, () => {
    const job = runningJobOf(context, findSchedule(context, id));
    if (job !== undefined) {
      throw new SkybackupError('conflict', `Job ${job} of schedule ${id} is running.`, {
        hint: `Wait for job ${job} to end, or cancel it, then call again.`,
        details: { job_id: job },
      });
    }
    context.state.schedules.remove(id);
  });
}

function startOnce(
  context: EngineContext,
  service: StoredService,
  type: BackupType,
  storage: string | undefined,
): Schedule {
  const { state } = context;
  let id = 0;
  state.transaction(() => {
    id = state.schedules.add({
      service_id: service.id,
      schedule: once,
      type,
      storage,
      message: 'Backup is scheduled.',
      warnings: [],
      next_run_at: undefined,
    }).id;
    startBackup(context, service, { type, storage, scheduleId: id, repeated: false }, ({ jobId, backupId }) =>
      state.schedules.change(id, { job_id: jobId, backup_id: backupId }),
    );
  });
  return scheduleView(context, findSchedule(context, id));
}

function changeRow(context: EngineContext, id: number, patch: SchedulePatch, cron: string | undefined): ScheduleRow {
  const before = findSchedule(context, id);
  const schedule = cron ?? before.schedule;
  const resumed = before.suspended && patch.suspended === false;
  const next = cron !== undefined || resumed ? nextRunAfter(schedule, context.clock.now()) : undefined;
  const retyped = patch.backup_type !== undefined && patch.backup_type !== before.type;
  const row = context.state.schedules.change(id, {
    schedule,
    ...(patch.backup_type === undefined ? {} : { type: patch.backup_type }),
    ...(patch.suspended === undefined ? {} : { suspended: patch.suspended }),
    // Runs missed while it was suspended were not wanted: it goes on from now.
    ...(next === undefined ? {} : { next_run_at: next }),
    // Of the new rhythm nothing is overdue yet; a change that changes nothing forgives nothing.
    ...(schedule !== before.schedule || retyped || resumed ? { owed_from: context.clock.now() } : {}),
  });
  return row ?? before;
}

function runningJobOf(context: EngineContext, row: ScheduleRow): number | undefined {
  const job = row.job_id === undefined ? undefined : context.state.jobs.get(row.job_id);
  return job?.status === 'Running' || job?.status === 'Scheduled' ? job.id : undefined;
}
