import { z } from 'zod';
import { PageQuery } from './pages.ts';

/** What is looked at beyond the default proof: that a server starts on the data without an error, at the right LSN and GTID, and opens every table. */
const checks = {
  /** The stored bytes alone, block by block against their hashes: no server is started, and nothing is proven of a restore. */
  quick: z.boolean().optional(),
  /** `CHECK TABLE` of every table. */
  check_table: z.boolean().optional(),
  /** Every table's rows are counted and set beside those recorded when the backup was taken, which are estimates. */
  row_counts: z.boolean().optional(),
  /** Rolled forward through the archived binary logs to their end before it is looked at: the logs are proven with it. */
  point_in_time: z.literal('newest').optional(),
};

/** A question of a person's own: the first column of its first row, as text, must be what is expected. */
const OwnQuery = z.strictObject({ sql: z.string().trim().min(1).max(4000), expect: z.string().max(1000) });
export type OwnQuery = z.infer<typeof OwnQuery>;

const alone = {
  message: 'looks at the stored bytes alone: leave the other checks out, or leave "quick" out',
  path: ['quick'],
};
const quickIsAlone = ({ quick, ...others }: { [check: string]: unknown }): boolean =>
  quick !== true || Object.values(others).every((each) => each === undefined || each === false);

export const VerifyRequest = z.strictObject(checks).refine(quickIsAlone, alone);
export type VerifyRequest = z.infer<typeof VerifyRequest>;

/** What a drill, a verification by schedule, looks at. */
export const DrillChecks = z
  .strictObject({ ...checks, queries: z.array(OwnQuery).min(1).max(50).optional() })
  .refine(quickIsAlone, alone);
export type DrillChecks = z.infer<typeof DrillChecks>;

/** A verification as read. Times RFC 3339. */
export const Verification = z.looseObject({
  id: z.number().int(),
  /** Whose backup it is. */
  service_id: z.string(),
  backup_id: z.string(),
  status: z.string(),
  message: z.string(),
  checks: z.looseObject({
    quick: z.boolean().optional(),
    check_table: z.boolean().optional(),
    row_counts: z.boolean().optional(),
    point_in_time: z.string().optional(),
    queries: z.array(z.looseObject({ sql: z.string(), expect: z.string() })).optional(),
  }),
  /** How long each phase took, and the bytes it worked on (uncompressed), where they are known. */
  phases: z.array(z.looseObject({ phase: z.string(), seconds: z.number(), bytes: z.number().optional() })),
  /** Measured: from nothing to a server that has proven its data. Absent for a quick one. */
  recovery_seconds: z.number().optional(),
  /** Tables whose count differs most from what was recorded; only with `row_counts`. */
  row_counts: z
    .array(z.looseObject({ table: z.string(), rows: z.number(), recorded: z.number().nullable() }))
    .optional(),
  error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
  warnings: z.array(z.string()).optional(),
  job_id: z.number().int().optional(),
  schedule_id: z.number().int().optional(),
  created_at: z.string(),
  finished_at: z.string().optional(),
});
export type Verification = z.infer<typeof Verification>;

export const VerificationQuery = PageQuery.extend({
  service_id: z.string().min(1).max(300).optional(),
  backup_id: z.string().min(1).max(1024).optional(),
});
export type VerificationQuery = z.infer<typeof VerificationQuery>;

export const VerificationsPage = z.looseObject({
  verifications: z.array(Verification),
  verifications_count: z.number().optional(),
  pages_count: z.number().optional(),
});
