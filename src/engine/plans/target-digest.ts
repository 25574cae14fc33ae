import { digestOf } from '../../plans/arguments-digest.ts';
import type { EngineContext } from '../engine-context.ts';
import { automaticBackupOf } from '../jobs/make-way.ts';
import { serviceState } from '../services/service-state.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';
import type { StoredService } from '../store/services-table.ts';

/** What an approver saw of a service: who it is, whether it runs, what protects it, what works on it. `ownJob` is the asker's own lane holder. */
export async function serviceDigest(
  context: EngineContext,
  service: StoredService,
  ownJob: number | undefined,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { state } = context;
  const { status } = await serviceState(context, service, ownJob);
  // The backup that nobody asked for makes way, and is gone from here when it has.
  const jobs = state.jobs
    .activeOf(service.id)
    .filter((job) => job.id !== ownJob && automaticBackupOf(context, job) === undefined);
  return digestOf({
    service: service.id,
    control: service.control,
    connection: service.connection,
    datadir: service.datadir,
    incarnation: service.incarnation,
    server: service.server?.server_id,
    status,
    last_backup: state.backups.lastGood(service.id)?.id,
    jobs: jobs.map((job) => job.id),
    ...more,
  });
}

/** What an approver saw of a schedule: how it protects, not how its last run went. */
export function scheduleDigest(schedule: ScheduleRow, incarnation: string | undefined): string {
  const { id, service_id, type, suspended } = schedule;
  return digestOf({ id, service_id, schedule: schedule.schedule, type, suspended, incarnation });
}
