import { z } from 'zod';

/** Operations that change or end something and therefore go through a plan. */
export const plannedOperations = [
  'restore_backup',
  'undo_restore',
  'create_schedule',
  'delete_schedule',
  'update_schedule',
  'delete_restore',
  'stop_service',
  'delete_backup',
  'set_retention',
] as const;
export const PlannedOperation = z.enum(plannedOperations);
export type PlannedOperation = z.infer<typeof PlannedOperation>;

/** What a person needs to know before saying yes. All text is for people; ids are exact. */
export const PlanFacts = z.strictObject({
  /** One line: "Replace all data of service orders by backup …". */
  title: z.string(),
  /** The service acted upon. */
  service_id: z.string(),
  /** The id that is typed to confirm: the target's. */
  confirm_id: z.string(),
  replaced: z.string().optional(),
  replaced_by: z.string().optional(),
  recovery_point: z.string().optional(),
  size_bytes: z.number().optional(),
  estimated_seconds: z.number().optional(),
  expected_downtime: z.string().optional(),
  lost: z.array(z.string()),
  /** Of what is replaced, what comes over. */
  keeps: z.array(z.string()).optional(),
  warnings: z.array(z.string()),
  undo: z.string(),
});
export type PlanFacts = z.infer<typeof PlanFacts>;

export const planStatuses = ['pending', 'approved', 'claimed', 'declined', 'void', 'expired'] as const;
export const approvalChannels = ['elicitation', 'terminal', 'approver_key', 'host', 'app'] as const;
export const ApprovalChannel = z.enum(approvalChannels);
export type ApprovalChannel = z.infer<typeof ApprovalChannel>;

/** A plan as anyone may see it: never its nonce. */
export const Plan = z.looseObject({
  id: z.string(),
  /** Short form for people to type: `K7QM-29XD`. */
  code: z.string(),
  operation: PlannedOperation,
  arguments: z.record(z.string(), z.unknown()),
  status: z.enum(planStatuses),
  facts: PlanFacts,
  target_digest: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
  approved_by: ApprovalChannel.optional(),
  requested_by: z.string(),
});
export type Plan = z.infer<typeof Plan>;

export const PlanRequest = z.strictObject({
  operation: PlannedOperation,
  /** The request that would carry it out, with ids resolved: no `latest`, no relative time. */
  arguments: z.record(z.string(), z.unknown()),
  /** How the asking program calls itself; shown to the approver as a claim. */
  requested_by: z.string().max(200).optional(),
});
export type PlanRequest = z.infer<typeof PlanRequest>;

/** `typed_id` must equal the plan's `confirm_id`. `nonce` proves that the answer belongs to this asking (elicitation). */
export const PlanApproval = z.strictObject({
  channel: ApprovalChannel,
  typed_id: z.string().max(300).optional(),
  nonce: z.string().max(200).optional(),
});
export type PlanApproval = z.infer<typeof PlanApproval>;

export const PlansPage = z.looseObject({ plans: z.array(Plan) });
