import type { Backup } from '../../contract/backups.ts';
import { localStorage } from '../../contract/default-storage.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { bytesInWords } from '../plans/words.ts';
import type { BackupRow } from '../store/backups-index.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { VerificationRow } from '../store/verifications-table.ts';

/** A backup as the contract shows it, its size under both of its names. */
export function backupView(row: BackupRow, verification?: VerificationRow): Backup {
  return {
    id: row.id,
    service_id: row.service_id,
    service_name: row.service_name,
    type: row.type,
    method: row.method,
    status: row.status,
    server_pod: row.server_pod,
    reference_full_backup: row.reference_full_backup,
    start_time: toRfc3339(row.start_time),
    is_external_storage: row.storage !== localStorage,
    storage: row.storage,
    ...present({
      point_in_time: row.point_in_time,
      end_time: rfc3339(row.end_time),
      backup_size: row.storage_bytes,
      storage_bytes: row.storage_bytes,
      disk_size: row.disk_bytes === undefined ? undefined : bytesInWords(row.disk_bytes),
      disk_size_bytes: row.disk_bytes,
      binlog_file: row.binlog_file,
      binlog_position: row.binlog_position,
      binlog_gtid_position: row.binlog_gtid,
      message: row.message,
      job_id: row.job_id,
      warnings: row.warnings.length === 0 ? undefined : row.warnings,
      last_verification: verification && verifiedAs(verification),
    }),
  };
}

function verifiedAs({ id, status, quick, recovery_ms, created_at, finished_at }: VerificationRow) {
  return {
    id,
    status,
    at: toRfc3339(finished_at ?? created_at),
    quick,
    ...present({ recovery_seconds: recovery_ms === undefined ? undefined : recovery_ms / 1000 }),
  };
}
