import type { Schedule } from '../../contract/schedules.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';

/** A schedule as the contract shows it. `scheduled_at` is when it runs next, or when a one-time one was asked for. */
export function scheduleView(context: Pick<EngineContext, 'state'>, row: ScheduleRow): Schedule {
  const warnings = [...row.warnings, ...(row.last_skip === undefined ? [] : [row.last_skip])];
  return {
    id: row.id,
    service_id: row.service_id,
    service_name: context.state.services.get(row.service_id)?.name ?? row.service_id,
    schedule: row.schedule,
    type: row.type,
    status: row.status,
    message: row.message,
    scheduled_at: toRfc3339(row.next_run_at ?? row.created_at),
    created_at: toRfc3339(row.created_at),
    updated_at: toRfc3339(row.updated_at),
    suspended: row.suspended,
    ...present({
      job_id: row.job_id,
      backup_id: row.backup_id,
      last_run_at: rfc3339(row.last_run_at),
      next_run_at: row.suspended ? undefined : rfc3339(row.next_run_at),
      checks: row.checks,
      after_restore: row.after_restore,
      storage: row.storage,
      warnings: warnings.length === 0 ? undefined : warnings,
    }),
  };
}
