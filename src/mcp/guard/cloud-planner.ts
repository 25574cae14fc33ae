import type { BackupApi } from '../../client/backup-api.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { PlanStore, PlanSubject } from '../../plans/plan-store.ts';
import { gatherCloudFacts } from './cloud-facts.ts';
import { isSame, type PlannedRequest, type Planner } from './planner.ts';

type ClosablePlanStore = PlanStore & { close(): void };

/**
 * The cloud knows no plans: they are kept in `plans.db`, bound to its URL, organisation and key. The target's digest is compared
 * right before the call; what changes between that look and the cloud's own start stays unseen, as the README says.
 */
export function cloudPlanner(api: BackupApi, plansFile: string): Planner {
  let opened: Promise<ClosablePlanStore> | undefined;
  // Opened at the first plan: SQLite must not cost every probe of the server its start.
  const store = (): Promise<ClosablePlanStore> => {
    opened ??= import('../../plans/sqlite-plan-store.ts').then(({ openPlanStore }) => openPlanStore(plansFile));
    return opened;
  };
  const subjectOf = ({ operation, arguments: args }: PlannedRequest): PlanSubject => ({
    operation,
    arguments: args,
    binding: api.provider.binding,
  });

  return {
    async prepare(request, requestedBy, signal) {
      const plans = await store();
      const approved = plans.findOpen(subjectOf(request));
      // It is judged when it is carried out: voiding it here would hide from the person why their yes did not count.
      if (approved?.status === 'approved') return approved;
      const { facts, targetDigest, refusal } = await gatherCloudFacts(api, request, signal);
      if (refusal) throw refusal;
      const open = plans.findOpen(subjectOf(request));
      if (open?.target_digest === targetDigest) return open;
      if (open) plans.decline(open.id, 'cancelled');
      return plans.create({ ...subjectOf(request), facts, target_digest: targetDigest, requested_by: requestedBy });
    },
    isFor: async (plan, request) => isSame(plan, request),
    get: async (id) => (await store()).get(id),
    ask: async (plan) => (await store()).ask(plan.id),
    approve: async (plan, approval) => (await store()).approve(plan.id, approval),
    async giveUp(plan, reason) {
      (await store()).decline(plan.id, reason);
    },
    async carryOut(plan, request, signal, call) {
      const plans = await store();
      const { targetDigest } = await gatherCloudFacts(api, request, signal);
      if (targetDigest !== plan.target_digest) {
        plans.decline(plan.id, 'cancelled');
        throw new SkybackupError(
          'target_changed',
          `Service ${plan.facts.service_id} is not as it was when plan ${plan.code} was made: nothing was done.`,
        );
      }
      signal.throwIfAborted();
      // The one atomic step: of two processes that hold this plan, one gets past here.
      plans.claim(plan.id, subjectOf(request));
      return call();
    },
    close() {
      void opened?.then((plans) => plans.close());
    },
  };
}
