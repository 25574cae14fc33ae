import type { Backup } from '../../contract/backups.ts';
import { storageBytes } from '../../contract/either-revision.ts';
import { classifyStatus, type Outcome } from '../../contract/status.ts';
import { takenAt } from '../find/backup.ts';
import { cleanText } from '../untrusted-text.ts';

/** A backup as the timeline draws it. */
export interface TimelineBackup {
  id: string;
  type: string;
  /** The raw word, and what it comes to. */
  status: string;
  outcome: Outcome;
  /** Of which moment its data are, in milliseconds. */
  at: number;
  bytes?: number | undefined;
  /** The full backup that an incremental builds on. */
  full?: string | undefined;
  message?: string | undefined;
}

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
