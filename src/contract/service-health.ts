import { z } from 'zod';
import { verdicts } from './verdict.ts';

/** Why a verdict is what it is, in words, and what to do about it. A note changes no verdict. */
export const HealthReason = z.looseObject({
  level: z.enum(['note', 'warning', 'critical']),
  /** Stable, for programs: `never_backed_up`, `overdue`, `failing`, `stale`, `no_schedule`, `suspended`, `binlog_gap`, `proof_failed`, `unproven`, … */
  code: z.string(),
  message: z.string(),
  /** What the server or a tool said, in its own words. */
  detail: z.string().optional(),
  next: z.string(),
});
export type HealthReason = z.infer<typeof HealthReason>;

/** How well one service is covered by its backups. Times RFC 3339, ages and overdue in seconds, sizes in bytes. */
export const ServiceHealth = z.looseObject({
  service_id: z.string(),
  service_name: z.string().optional(),
  verdict: z.enum(verdicts),
  /** Worst first. */
  reasons: z.array(HealthReason),
  /** The newest moment that a backup holds. */
  recovery_point: z
    .looseObject({ at: z.string(), age_seconds: z.number(), backup_id: z.string(), type: z.string() })
    .optional(),
  /** The newest good backup of each type. */
  last_good: z.array(
    z.looseObject({
      type: z.string(),
      backup_id: z.string(),
      recovery_point: z.string(),
      age_seconds: z.number(),
      started_at: z.string(),
      ended_at: z.string(),
      storage_bytes: z.number().optional(),
    }),
  ),
  /** Repeated schedules. `due_at` is the run that should have given a backup by now and did not. */
  schedules: z.array(
    z.looseObject({
      id: z.number().int(),
      type: z.string(),
      schedule: z.string(),
      suspended: z.boolean(),
      due_at: z.string().optional(),
      overdue_seconds: z.number(),
    }),
  ),
  /** Types whose newest runs failed, one after another. */
  failing: z.array(
    z.looseObject({
      type: z.string(),
      failed_runs: z.number().int(),
      last_error: z.string(),
      last_failed_at: z.string(),
    }),
  ),
  running: z.array(z.looseObject({ type: z.string(), since: z.string() })),
  /**
   * The newest proof that a backup of this service can be restored: a restore that succeeded, onto whatever service, or a
   * verification, which measured how long a recovery takes.
   */
  last_proven_restore: z
    .looseObject({
      backup_id: z.string(),
      at: z.string(),
      restore_id: z.number().int().optional(),
      onto: z.string().optional(),
      verification_id: z.number().int().optional(),
      recovery_seconds: z.number().optional(),
    })
    .optional(),
  /** The newest gap in its archived binary logs, which begin anew at that moment: recovery to a point in time cannot cross it. */
  binlog_gap: z.looseObject({ at: z.string(), detail: z.string() }).optional(),
});
export type ServiceHealth = z.infer<typeof ServiceHealth>;

/** Every service's coverage at one moment; the verdict is the worst of theirs. */
export const Health = z.looseObject({
  at: z.string(),
  verdict: z.enum(verdicts),
  services: z.array(ServiceHealth),
});
export type Health = z.infer<typeof Health>;

export const HealthQuery = z.strictObject({ service_id: z.string().min(1).max(300).optional() });
