import type { DaemonApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Planner } from './planner.ts';

/** The daemon makes, keeps and checks its plans itself; the approved id travels with the request, where it is claimed under the job lock. */
export function daemonPlanner(daemon: DaemonApi): Planner {
  return {
    prepare: (request, requestedBy, signal) =>
      daemon.createPlan(
        { operation: request.operation, arguments: request.arguments, requested_by: requestedBy },
        { signal },
      ),
    async get(id) {
      try {
        return await daemon.getPlan(id);
      } catch (error) {
        if (error instanceof SkybackupError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
    ask: async (plan) => (await daemon.askPlan(plan.id)).nonce,
    approve: (plan, approval) => daemon.approvePlan(plan.id, approval),
    async giveUp(plan, reason) {
      await daemon.declinePlan(plan.id, reason);
    },
    carryOut: (plan, _request, _signal, call) => call(plan.id),
    close: () => undefined,
  };
}
