import { z } from 'zod';
import { ApprovalChannel, Plan, PlanFacts, PlannedOperation, planStatuses } from '../contract/plans.ts';
import { toRfc3339 } from '../contract/time.ts';

/** The table behind a plan store. Plans live ten minutes, so its shape changes by a new table name, never by a migration. */
export const plansTable = `
CREATE TABLE IF NOT EXISTS plans (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  operation TEXT NOT NULL,
  arguments TEXT NOT NULL,
  arguments_digest TEXT NOT NULL,
  binding TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'claimed', 'declined', 'void')),
  facts TEXT NOT NULL,
  confirm_id TEXT NOT NULL,
  target_digest TEXT NOT NULL,
  nonce_hash TEXT,
  approved_by TEXT,
  requested_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS plans_by_subject ON plans (binding, operation, arguments_digest);
`;

const PlanRow = z.object({
  id: z.string(),
  code: z.string(),
  operation: PlannedOperation,
  arguments: z.string(),
  arguments_digest: z.string(),
  binding: z.string(),
  status: z.enum(planStatuses),
  facts: z.string(),
  confirm_id: z.string(),
  target_digest: z.string(),
  nonce_hash: z.string().nullable(),
  approved_by: ApprovalChannel.nullable(),
  requested_by: z.string(),
  created_at: z.number(),
  expires_at: z.number(),
});
export type PlanRow = z.infer<typeof PlanRow>;

export function readRow(row: unknown): PlanRow | undefined {
  return row === undefined ? undefined : PlanRow.parse(row);
}

/** A row's status as of `now`: an open plan past its time counts as expired without anyone having to mark it. */
export function statusOf(row: PlanRow, now: number): Plan['status'] {
  const open = row.status === 'pending' || row.status === 'approved';
  return open && row.expires_at <= now ? 'expired' : row.status;
}

/** The plan as anyone may see it: neither nonce nor binding leaves the store. */
export function toPlan(row: PlanRow, now: number): Plan {
  return Plan.parse({
    id: row.id,
    code: row.code,
    operation: row.operation,
    arguments: JSON.parse(row.arguments),
    status: statusOf(row, now),
    facts: PlanFacts.parse(JSON.parse(row.facts)),
    target_digest: row.target_digest,
    created_at: toRfc3339(new Date(row.created_at)),
    expires_at: toRfc3339(new Date(row.expires_at)),
    ...(row.approved_by === null ? {} : { approved_by: row.approved_by }),
    requested_by: row.requested_by,
  });
}
