import type { Plan, PlanRequest } from '../../contract/plans.ts';
import type { EngineContext } from '../engine-context.ts';
import { refuseLocked } from '../services/lock.ts';
import { subjectOf } from './carry-out.ts';
import { describeTarget, normaliseAction, recheckAction } from './operations.ts';

/**
 * Makes a plan, or returns the open one of the same asker for the same request while its target is unchanged. A target that
 * changed voids the earlier plan: a yes to what is no longer so must not be lying about.
 */
export async function makePlan(context: EngineContext, request: PlanRequest, principal: string): Promise<Plan> {
  const { plans } = context.state;
  const action = await normaliseAction(context, request);
  const { facts, digest } = await describeTarget(context, action, undefined);
  const subject = subjectOf(context, action, principal);
  return context.state.transaction(() => {
    // What it names may have gone while its target was looked at; from here on the plan itself keeps it.
    recheckAction(context, action);
    refuseLocked(context, facts.service_id);
    const open = plans.findOpen(subject);
    // An approved plan is judged when it is carried out: voiding it here, a second caller would kill the yes that a first one is carrying out.
    if (open?.status === 'approved' || open?.target_digest === digest) return open;
    if (open !== undefined) plans.decline(open.id, 'cancelled');
    const requested_by = request.requested_by === undefined ? principal : `${request.requested_by} (${principal})`;
    return plans.create({ ...subject, facts, target_digest: digest, requested_by });
  });
}
