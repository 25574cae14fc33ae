import type { Backup } from './backups.ts';
import type { Restore } from './restores.ts';

/** Bytes a backup takes in its storage, from either revision's field. */
export function storageBytes(backup: Backup): number | undefined {
  return backup.storage_bytes ?? backup.backup_size;
}

/** The backup a restore came from, by either revision's name. */
export function restoredFrom(restore: Restore): string | undefined {
  return restore.backup_id ?? restore.key;
}
