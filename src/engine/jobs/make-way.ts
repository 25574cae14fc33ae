import type { Asker, EngineContext } from '../engine-context.ts';
import { takenAfter } from '../schedule/after-restore.ts';
import type { JobRow } from '../store/jobs-table.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';

/** It is wanted again if what took its place fails; what succeeds wants one of its own. */
const againAfterMs = 15_000;

/** The schedule of a job that takes the backup which nobody asked for: after a restore or an undo. */
export function automaticBackupOf({ state }: Pick<EngineContext, 'state'>, job: JobRow): ScheduleRow | undefined {
  const schedule = job.schedule_id === undefined ? undefined : state.schedules.get(job.schedule_id);
  return schedule?.after_restore === undefined ? undefined : schedule;
}

/**
 * Ends the backup that runs by itself after a restore, for a person who restores or undoes once more: nobody in such a night
 * shall wait for a backup of data that are about to be replaced. Only for who could carry that out.
 */
export async function makeWay(context: EngineContext, serviceId: string, asker: Asker): Promise<void> {
  const { state, jobs, clock } = context;
  const { planId, role } = asker;
  const approved = planId !== undefined && state.plans.get(planId)?.status === 'approved';
  if (!approved && (planId !== undefined || role !== 'administrator')) return;
  for (const job of state.jobs.activeOf(serviceId)) {
    const schedule = automaticBackupOf(context, job);
    if (schedule === undefined) continue;
    jobs.cancel(job.id);
    await jobs.ended(job.id);
    state.schedules.change(schedule.id, {
      status: 'Scheduled',
      message: `It made way for another restore. Waits to be ${takenAfter(schedule.after_restore ?? 0)}`,
      next_run_at: clock.now() + againAfterMs,
    });
  }
}
