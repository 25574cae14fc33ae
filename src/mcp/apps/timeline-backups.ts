import type { Backup } from '../../contract/backups.ts';
import { storageBytes } from '../../contract/either-revision.ts';
import { classifyStatus } from '../../contract/status.ts';
import { cleanText } from '../clean-text.ts';
import { takenAt } from '../find/backup.ts';
import type { TimelineBackup } from './timeline-backup.ts';

/** From what the provider tells. */
export function timelineBackup(backup: Backup): TimelineBackup {
  const { id, type, status, message, reference_full_backup } = backup;
  return {
    id: cleanText(id, 200),
    type: cleanText(type, 40),
    status: cleanText(status, 60),
    outcome: classifyStatus(status),
    at: takenAt(backup),
    bytes: storageBytes(backup),
    full: reference_full_backup ? cleanText(reference_full_backup, 200) : undefined,
    message: message ? cleanText(message, 300) : undefined,
  };
}
