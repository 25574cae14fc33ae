import type { Restore } from '../../contract/restores.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import { present, rfc3339 } from '../store/rows.ts';

/** A restore as the contract shows it, with the backup under both of its names. */
export function restoreView(row: RestoreRow): Restore {
  return {
    id: row.id,
    service_id: row.service_id,
    service_name: row.service_name,
    bucket: row.bucket,
    type: row.type,
    status: row.status,
    message: row.message,
    created_at: toRfc3339(row.created_at),
    ...present({
      // An undo puts back what was there: no backup is in it.
      backup_id: row.backup_id === '' ? undefined : row.backup_id,
      key: row.backup_id === '' ? undefined : row.backup_id,
      target: row.target === 'new' ? row.target : undefined,
      undo_of: row.undo_of,
      import: row.import,
      safety_backup_id: row.safety_backup,
      job_id: row.job_id,
      finished_at: rfc3339(row.finished_at),
      downtime_ms: row.downtime_ms,
      kept_data: row.kept_data,
      kept_until: row.kept_data === undefined ? undefined : rfc3339(row.kept_until),
      users_from: row.users_from,
      warnings: row.warnings.length === 0 ? undefined : row.warnings,
    }),
  };
}
