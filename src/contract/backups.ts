import { z } from 'zod';
import { backupTypes } from './backup-types.ts';
import { PageQuery } from './pages.ts';

export const BackupType = z.enum(backupTypes);
export type BackupType = z.infer<typeof BackupType>;

export const BackupQuery = PageQuery.extend({
  service_id: z.string().min(1).max(300).optional(),
  status: z.string().min(1).max(100).optional(),
  type: z.string().min(1).max(100).optional(),
  /** The daemon's own: only good backups that hold this table (`shop.orders`), or any of this schema (`shop.*`). */
  contains: z.string().min(3).max(140).optional(),
});
export type BackupQuery = z.infer<typeof BackupQuery>;

/**
 * A backup as read from either revision: unknown fields are kept, most are optional.
 * `backup_size` is the early name of `storage_bytes`. Times are RFC 3339; `point_in_time` is `YYYY-MM-DD HH:MM:SS`, UTC.
 */
export const Backup = z.looseObject({
  id: z.string(),
  service_id: z.string(),
  service_name: z.string().optional(),
  type: z.string(),
  method: z.string().optional(),
  status: z.string(),
  /** The daemon's own: why it failed; of a good one that nobody asked for, why it was taken. */
  message: z.string().optional(),
  server_pod: z.string().optional(),
  reference_full_backup: z.string().optional(),
  point_in_time: z.string().optional(),
  start_time: z.string().optional(),
  end_time: z.string().optional(),
  backup_size: z.number().optional(),
  storage_bytes: z.number().optional(),
  disk_size: z.string().optional(),
  disk_size_bytes: z.number().optional(),
  binlog_file: z.string().optional(),
  binlog_position: z.number().optional(),
  binlog_gtid_position: z.string().optional(),
  is_external_storage: z.boolean().optional(),
  cloud_provider: z.string().optional(),
  /** The daemon's own: the storage that holds it. */
  storage: z.string().optional(),
  /** The daemon's own, where `contains` was asked for: what of that it holds, as it was told when the backup was taken. */
  contained: z
    .looseObject({ tables: z.number(), rows: z.number().optional(), bytes: z.number().optional() })
    .optional(),
  /** The daemon's own: the newest verification of it that came to an answer. */
  last_verification: z
    .looseObject({
      id: z.number().int(),
      status: z.string(),
      at: z.string(),
      quick: z.boolean(),
      recovery_seconds: z.number().optional(),
    })
    .optional(),
});
export type Backup = z.infer<typeof Backup>;

export const BackupsPage = z.looseObject({
  backups: z.array(Backup),
  backups_count: z.number().optional(),
  pages_count: z.number().optional(),
});
