import type { Plan, PlanApproval, PlanFacts, PlannedOperation } from '../contract/plans.ts';

/** Everything a plan is bound to. Two requests with equal bindings, operation and arguments are the same request. */
export interface PlanSubject {
  operation: PlannedOperation;
  /** Exact arguments with ids resolved; compared by the SHA-256 of their canonical JSON (keys sorted). */
  arguments: Record<string, unknown>;
  /** Provider URL, organisation and key fingerprint, digested (`Provider.binding`), or the daemon's instance and principal. */
  binding: string;
}

export interface PlanDraft extends PlanSubject {
  facts: PlanFacts;
  /** Digest of the target as it was when the facts were gathered (identity, status, last backup, running jobs). */
  target_digest: string;
  requested_by: string;
}

/**
 * Where plans live: SQLite, never a process's memory, because hosts run several copies of a server. All steps are single
 * statements or transactions, so that two processes racing on one file get one winner. Lifetime: ten minutes.
 * Used by the daemon (in its state) and by the MCP side for the cloud (`plans.db`).
 */
export interface PlanStore {
  create(draft: PlanDraft): Plan;
  /** By id or short code; expired plans come back with status `expired`. */
  get(idOrCode: string): Plan | undefined;
  /** The newest pending or approved plan for exactly this subject. */
  findOpen(subject: PlanSubject): Plan | undefined;
  list(): Plan[];
  /** Mints a single-use nonce for one asking; an earlier one of this plan dies. Only for pending plans. */
  ask(id: string): string;
  /** Marks a pending plan approved. Throws plan_expired, plan_used or plan_mismatch (typed id or nonce wrong). */
  approve(id: string, approval: PlanApproval): Plan;
  decline(id: string, reason: 'declined' | 'cancelled'): Plan;
  /** One atomic step approved → claimed, for exactly this subject; everyone else gets plan_used, plan_not_approved, plan_mismatch or plan_expired. */
  claim(id: string, subject: PlanSubject): Plan;
}
