import type { Backup } from '../../contract/backups.ts';
import { storageBytes } from '../../contract/either-revision.ts';
import { classifyStatus } from '../../contract/status.ts';
import { takenAt } from '../find/backup.ts';
import { outwardText } from '../outward.ts';
import type { TimelineBackup } from './timeline-backup.ts';

/** From what the provider tells. */
export function timelineBackup(backup: Backup): TimelineBackup {
  const { id, type, status, message, reference_full_backup } = backup;
  return {
    id: outwardText(id, 200),
    type: outwardText(type, 40),
    status: outwardText(status, 60),
    outcome: classifyStatus(status),
    at: takenAt(backup),
    bytes: storageBytes(backup),
    full: reference_full_backup ? outwardText(reference_full_backup, 200) : undefined,
    message: message ? outwardText(message, 300) : undefined,
  };
}
