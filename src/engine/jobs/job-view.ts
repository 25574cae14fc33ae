import type { Job } from '../../contract/jobs.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { JobRow } from '../store/jobs-table.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { LiveProgress } from './job-runner.ts';

/** A job as the API shows it; while it runs, with how far it is at this moment. */
export function jobView(row: JobRow, live: LiveProgress | undefined): Job {
  return {
    id: row.id,
    kind: row.kind,
    service_id: row.service_id,
    lane: row.lane,
    status: row.status,
    created_at: toRfc3339(row.created_at),
    ...present({
      phase: live?.phase ?? row.phase,
      // At the end the outcome is the message; until then the phase's.
      message: row.finished_at === undefined ? (live?.message ?? row.message) : row.message,
      bytes: live?.bytes ?? row.bytes,
      total_bytes: live?.total_bytes ?? row.total_bytes,
      bytes_per_second: live?.bytes_per_second,
      eta_seconds: live?.eta_seconds,
      error: row.error,
      schedule_id: row.schedule_id,
      backup_id: row.backup_id,
      restore_id: row.restore_id,
      started_at: rfc3339(row.started_at),
      finished_at: rfc3339(row.finished_at),
      warnings: row.warnings.length === 0 ? undefined : row.warnings,
    }),
  };
}
