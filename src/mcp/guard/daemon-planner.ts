import type { DaemonApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId } from '../../contract/ids.ts';
import { isSame, type Planner } from './planner.ts';

/** The daemon makes, keeps and checks its plans itself; the approved id travels with the request, where it is claimed under the job lock. */
export function daemonPlanner(daemon: DaemonApi): Planner {
  const prepare: Planner['prepare'] = (request, requestedBy, signal) =>
    daemon.createPlan(
      { operation: request.operation, arguments: request.arguments, requested_by: requestedBy },
      { signal },
    );
  return {
    prepare,
    async isFor(plan, request, signal) {
      if (isSame(plan, request)) return true;
      // For a point in time of a service the daemon has chosen the backup: only it can say that it is the same request.
      const choosesBackup = request.operation === 'restore_backup' && !isBackupId(String(request.arguments.id));
      return choosesBackup && (await prepare(request, plan.requested_by, signal)).id === plan.id;
    },
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
