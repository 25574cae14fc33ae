import { toRfc3339 } from '../../contract/time.ts';
import type { Verification } from '../../contract/verifications.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { VerificationRow } from '../store/verifications-table.ts';

/** A verification as the API shows it. */
export function verificationView(row: VerificationRow): Verification {
  return {
    id: row.id,
    service_id: row.service_id,
    backup_id: row.backup_id,
    status: row.status,
    message: row.message,
    checks: row.checks,
    phases: row.phases,
    created_at: toRfc3339(row.created_at),
    job_id: row.job_id,
    ...present({
      recovery_seconds: row.recovery_ms === undefined ? undefined : row.recovery_ms / 1000,
      row_counts: row.row_counts,
      error: row.error,
      schedule_id: row.schedule_id,
      finished_at: rfc3339(row.finished_at),
      warnings: row.warnings.length === 0 ? undefined : row.warnings,
    }),
  };
}
