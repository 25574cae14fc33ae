import type { Plan, PlanApproval, PlannedOperation } from '../../contract/plans.ts';
import { canonicalJson } from '../../plans/arguments-digest.ts';

/** What a person is asked to approve: an operation and its exact arguments, ids resolved. */
export interface PlannedRequest {
  operation: PlannedOperation;
  arguments: Record<string, unknown>;
  /** The tool's own arguments that mean the same, with ids instead of names: for "call again with …". */
  repeat: Record<string, unknown>;
}

/** The same operation with the same arguments, in whatever order they stand. */
export function isSame(plan: Plan, request: PlannedRequest): boolean {
  return plan.operation === request.operation && canonicalJson(plan.arguments) === canonicalJson(request.arguments);
}

/**
 * Plans, wherever they live: with the daemon, or in `plans.db` for the cloud. Never in this process, because hosts run several
 * copies of it. Approving only marks a plan; `carryOut` executes it, once.
 */
export interface Planner {
  /** The approved plan for exactly this request, the pending one while its target is unchanged, or a new one. */
  prepare(request: PlannedRequest, requestedBy: string, signal: AbortSignal): Promise<Plan>;
  /** By its id; undefined when it never existed or ended long ago. */
  get(id: string): Promise<Plan | undefined>;
  /** Whether a plan is for exactly this request. */
  isFor(plan: Plan, request: PlannedRequest, signal: AbortSignal): Promise<boolean>;
  /** Mints the nonce that the coming answer must carry; an earlier one of this plan dies. */
  ask(plan: Plan): Promise<string>;
  approve(plan: Plan, approval: PlanApproval): Promise<Plan>;
  /** A no, or an asking call that was cancelled: no later yes counts. */
  giveUp(plan: Plan, reason: 'declined' | 'cancelled'): Promise<void>;
  /** Runs `call` for an approved plan: at most once for each plan, and only while the target is as it was planned. */
  carryOut<T>(
    plan: Plan,
    request: PlannedRequest,
    signal: AbortSignal,
    call: (planId?: string) => Promise<T>,
  ): Promise<T>;
  close(): void;
}
