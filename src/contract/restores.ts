import { z } from 'zod';
import { serviceIdPattern } from './ids.ts';
import { PageQuery } from './pages.ts';
import { parseTablePattern } from './table-pattern.ts';

/** `file:///folder` is the daemon's own: a folder of its machine. */
export const ExternalSource = z.strictObject({
  bucket: z
    .string()
    .regex(/^(s3:\/\/|gs:\/\/|file:\/\/\/)[^\s]+$/, 'must be s3://bucket/ or gs://bucket/')
    .max(1024),
  method: z.enum(['mariabackup', 'mysqldump']),
  credentials: z.string().max(65_536).optional(),
  encryption_key: z.string().max(4096).optional(),
});
export type ExternalSource = z.infer<typeof ExternalSource>;

/**
 * A restore as the daemon accepts it: `id` or its early name `key`, exactly one of them. `service_id` is the TARGET, whose
 * data is replaced. The daemon's own: `gtid` and `before_gtid`, a point in time by transaction; `keep_account: false`, by which
 * the account that skybackup logs in with becomes the backup's like all others; `safety_dump: false`, which declines the dump
 * that is taken of a running server before another one is imported into it; `plan_id`, the approved plan that this request
 * carries out; and `target: "new"`, for which nothing is replaced and no plan is needed: `service_id` is then the id of the service to be made (chosen from the
 * source's where it is left out), `tables` what to bring (all unless named), `nightly` whether it is backed up every night.
 */
export const RestoreRequest = z
  .strictObject({
    service_id: z.string().min(1).max(300).optional(),
    target: z.literal('new').optional(),
    tables: z
      .array(
        z
          .string()
          .max(300)
          .refine((text) => parseTablePattern(text) !== undefined, 'must be schema.table or schema.*'),
      )
      .min(1)
      .max(500)
      .optional(),
    nightly: z.boolean().optional(),
    id: z.string().min(1).max(1024).optional(),
    key: z.string().min(1).max(1024).optional(),
    point_in_time: z.string().max(40).optional(),
    /** The last transaction that is wanted, or a list with one of each domain. */
    gtid: z.string().min(1).max(2000).optional(),
    /** The first transaction that is not wanted: a DROP, say. */
    before_gtid: z.string().min(1).max(100).optional(),
    keep_account: z.boolean().optional(),
    external_source: ExternalSource.optional(),
    plan_id: z.string().max(100).optional(),
    safety_dump: z.boolean().optional(),
  })
  .refine((request) => (request.id === undefined) !== (request.key === undefined), {
    message: 'give the backup as "id" (or by its early name "key"), and only once',
    path: ['id'],
  })
  .refine((request) => request.target === 'new' || request.service_id !== undefined, {
    message: 'is required, unless target is "new"',
    path: ['service_id'],
  })
  .refine(({ target, service_id }) => target !== 'new' || serviceIdPattern.test(service_id ?? 'any'), {
    message: 'of a new service must be 3 to 32 lower-case letters, digits and dashes, starting with a letter',
    path: ['service_id'],
  })
  .refine(({ target, plan_id }) => target !== 'new' || plan_id === undefined, {
    message: 'is not needed: a new service replaces nothing',
    path: ['plan_id'],
  })
  .refine(({ target, tables }) => target === 'new' || tables === undefined, {
    message: 'are chosen for a new service only (target "new"); from there they can be copied',
    path: ['tables'],
  })
  .refine(({ target, nightly }) => target === 'new' || nightly === undefined, {
    message: 'is for a new service only (target "new")',
    path: ['nightly'],
  })
  .refine(({ target, keep_account }) => target !== 'new' || keep_account === undefined, {
    message: 'is for a service whose data are replaced: a new one gets an account of its own',
    path: ['keep_account'],
  })
  .refine(({ target, safety_dump }) => target !== 'new' || safety_dump === undefined, {
    message: 'is not needed: a new service replaces nothing',
    path: ['safety_dump'],
  })
  .refine(({ point_in_time, gtid, before_gtid }) => [point_in_time, gtid, before_gtid].filter(Boolean).length <= 1, {
    message: 'give one of point_in_time, gtid and before_gtid',
    path: ['point_in_time'],
  });
export type RestoreRequest = z.infer<typeof RestoreRequest>;

export const RestoreQuery = PageQuery.extend({
  service_id: z.string().min(1).max(300).optional(),
  type: z.string().min(1).max(100).optional(),
});
export type RestoreQuery = z.infer<typeof RestoreQuery>;

/** A restore as read; `key` is the early name of `backup_id`. The fields from `job_id` on are the daemon's own. */
export const Restore = z.looseObject({
  id: z.number().int(),
  service_id: z.string(),
  service_name: z.string().optional(),
  backup_id: z.string().optional(),
  key: z.string().optional(),
  bucket: z.string().optional(),
  type: z.string().optional(),
  status: z.string(),
  message: z.string().optional(),
  created_at: z.string().optional(),
  /** `new`: a service was made of the backup, and nothing was replaced. */
  target: z.string().optional(),
  job_id: z.number().int().optional(),
  finished_at: z.string().optional(),
  downtime_ms: z.number().optional(),
  /** Where the data of before the restore are kept, and until when. */
  kept_data: z.string().optional(),
  kept_until: z.string().optional(),
  /** How much the kept data take. */
  kept_bytes: z.number().optional(),
  /** Of an undo: the restore that was taken back. */
  undo_of: z.number().int().optional(),
  /** The dump was imported into a running server: `begun` is no longer what it was, whatever became of it. */
  import: z.string().optional(),
  /** The dump of the target of before, taken by the restore: restoring it is the way back. */
  safety_backup_id: z.string().optional(),
  warnings: z.array(z.string()).optional(),
});
export type Restore = z.infer<typeof Restore>;

export const RestoresPage = z.looseObject({
  restores: z.array(Restore),
  restores_count: z.number().optional(),
  pages_count: z.number().optional(),
});

/** `service_id` is the SOURCE, whose backup it is. */
export const RestoreLookupRequest = z.strictObject({
  backup_id: z.string().min(1).max(1024),
  service_id: z.string().min(1).max(300),
});
export type RestoreLookupRequest = z.infer<typeof RestoreLookupRequest>;

export const LookupService = z.looseObject({ service_id: z.string(), service_name: z.string().optional() });
export type LookupService = z.infer<typeof LookupService>;
export const RestoreLookup = z.looseObject({
  services: z
    .array(LookupService)
    .nullish()
    .transform((list) => list ?? []),
});

export const RecoveryWindow = z.looseObject({
  service_id: z.string(),
  service_name: z.string().optional(),
  start_time: z.string().optional(),
  end_time: z.string().optional(),
  /** The daemon's own: the window reaches to now, and what was written since then is archived by the restore itself. */
  archived_until: z.string().optional(),
  /** Why it ends there. */
  gap: z.string().optional(),
});
export type RecoveryWindow = z.infer<typeof RecoveryWindow>;
export const RecoveryWindows = z.looseObject({
  services: z
    .array(RecoveryWindow)
    .nullish()
    .transform((list) => list ?? []),
});

/** Data of before a restore, as they lie beside those in use: what an undo puts back. */
export const KeptCopy = z.looseObject({
  restore_id: z.number().int(),
  service_id: z.string(),
  path: z.string(),
  bytes: z.number().optional(),
  kept_at: z.string(),
  kept_until: z.string(),
});
export type KeptCopy = z.infer<typeof KeptCopy>;

export const KeptCopies = z.looseObject({ kept: z.array(KeptCopy) });
