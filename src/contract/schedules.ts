import { z } from 'zod';
import { scheduleTypes } from './backup-types.ts';
import { BackupType } from './backups.ts';
import { PageQuery } from './pages.ts';
import { DrillChecks } from './verifications.ts';

export const ScheduleType = z.enum(scheduleTypes);
export type ScheduleType = z.infer<typeof ScheduleType>;

export const BucketPath = z
  .string()
  .regex(/^(s3|gs):\/\/[^\s]+$/, 'must be s3://bucket/prefix or gs://bucket/prefix')
  .max(1024);

export const ExternalStorage = z.strictObject({
  bucket: z.strictObject({
    path: BucketPath,
    credentials: z.string().max(65_536).optional(),
  }),
});
export type ExternalStorage = z.infer<typeof ExternalStorage>;

/** `schedule` is `"once"` or five cron fields in UTC; the fields themselves are checked by `checkCron`. */
export const ScheduleRequest = z.strictObject({
  backup_type: ScheduleType,
  /** Of a drill alone. */
  checks: DrillChecks.optional(),
  schedule: z.string().min(1).max(200),
  service_id: z.string().min(1).max(300),
  external_storage: ExternalStorage.optional(),
  /** The daemon's own: the name of a storage that a person registered. */
  storage: z.string().min(1).max(40).optional(),
});
export type ScheduleRequest = z.infer<typeof ScheduleRequest>;

export const SchedulePatch = z.strictObject({
  schedule: z.string().min(1).max(200).optional(),
  backup_type: BackupType.optional(),
  suspended: z.boolean().optional(),
});
export type SchedulePatch = z.infer<typeof SchedulePatch>;

export const ScheduleQuery = PageQuery.extend({
  service_id: z.string().min(1).max(300).optional(),
  type: z.string().min(1).max(100).optional(),
});
export type ScheduleQuery = z.infer<typeof ScheduleQuery>;

/** A schedule as read. The fields from `job_id` on are the daemon's own; the cloud has no link to the backup a schedule made. */
export const Schedule = z.looseObject({
  id: z.number().int(),
  service_id: z.string(),
  service_name: z.string().optional(),
  schedule: z.string(),
  type: z.string(),
  status: z.string(),
  message: z.string().optional(),
  scheduled_at: z.string().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
  /** When the cloud took it, by its own clock (the answer's `Date`); only its maker knows. */
  accepted_at: z.string().optional(),
  suspended: z.boolean().optional(),
  labels: z.record(z.string(), z.unknown()).optional(),
  cloud_provider: z.string().optional(),
  job_id: z.number().int().optional(),
  backup_id: z.string().optional(),
  last_run_at: z.string().optional(),
  next_run_at: z.string().optional(),
  warnings: z.array(z.string()).optional(),
  checks: z.looseObject({}).optional(),
  /** Of a one-time backup that nobody asked for: the restore or undo after which it is taken. */
  after_restore: z.number().int().optional(),
  /** Where its backups go; absent where that is the service's default. */
  storage: z.string().optional(),
});
export type Schedule = z.infer<typeof Schedule>;

export const SchedulesPage = z.looseObject({
  schedules: z.array(Schedule),
  schedules_count: z.number().optional(),
  pages_count: z.number().optional(),
});
