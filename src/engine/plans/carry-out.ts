import { SkybackupError } from '../../contract/errors.ts';
import type { PlannedOperation } from '../../contract/plans.ts';
import type { PlanSubject } from '../../plans/plan-store.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { refuseLocked } from '../services/lock.ts';
import { describeTarget } from './operations.ts';

/** A destructive request: what it would do, with ids resolved, in the one form that plans are compared by. */
export interface PlannedAction {
  operation: PlannedOperation;
  arguments: Record<string, unknown>;
}

export function subjectOf(context: EngineContext, action: PlannedAction, principal: string): PlanSubject {
  return { ...action, binding: `${context.state.instance}:${principal}` };
}

/**
 * The last look before a destructive request is carried out, to be taken while its job holds the service's lanes. With a
 * plan: the target must still be as it was planned, and the plan is claimed in the same transaction as `work`. Without one,
 * only an administrator gets past. A locked service is closed to every plan, and so to every tool, whatever its key: tools
 * always make plans. Throws `locked`, `plan_required`, `target_changed` and the plan store's own errors.
 */
export async function carryOutPlanned<T>(
  context: EngineContext,
  action: PlannedAction,
  asker: Asker,
  ownJob: number | undefined,
  work: () => T,
): Promise<T> {
  const { state } = context;
  const { planId } = asker;
  if (planId === undefined) {
    if (asker.role === 'administrator') return state.transaction(work);
    // Said first: no plan would help.
    refuseLocked(context, (await describeTarget(context, action, ownJob)).facts.service_id);
    throw planRequired(action);
  }
  const { digest, facts } = await describeTarget(context, action, ownJob);
  try {
    return state.transaction(() => {
      refuseLocked(context, facts.service_id);
      const plan = state.plans.claim(planId, subjectOf(context, action, asker.principal));
      if (plan.target_digest !== digest) throw targetChanged(plan.facts.service_id, plan.code);
      return work();
    });
  } catch (error) {
    // The claim was rolled back with the rest; the plan must not come to life again should the target change back.
    if (error instanceof SkybackupError && error.code === 'target_changed') state.plans.decline(planId, 'cancelled');
    throw error;
  }
}

function planRequired(action: PlannedAction): SkybackupError {
  return new SkybackupError(
    'plan_required',
    `${action.operation} needs a plan that a person approved, and this request brings none.`,
    { hint: 'POST the request to /skybackup/v1/plans, have it approved, then repeat it with plan_id.' },
  );
}

function targetChanged(serviceId: string, code: string): SkybackupError {
  return new SkybackupError(
    'target_changed',
    `Service ${serviceId} is not as it was when plan ${code} was made: nothing was done.`,
  );
}
