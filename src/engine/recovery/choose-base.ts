import { findGoal, type ScanLog } from './goal.ts';
import type { RecoveryPlan } from './plan-recovery.ts';
import type { Wish } from './wish.ts';

/**
 * The plans from the first one on that leads to the wish. By the clock a backup may come before a moment and by its log
 * after it: a session had set its own time, and what the backup holds of it counts as committed later. Only the log tells,
 * and it is read only where it reaches beyond the moment. What is not archived yet is left to be found out.
 */
export async function leadingPlans(
  plans: readonly RecoveryPlan[],
  wish: Wish,
  scan: ScanLog,
): Promise<readonly RecoveryPlan[]> {
  for (const [index, { reach, archiveFirst }] of plans.entries()) {
    const first = reach.logs.slice(0, 1);
    if (wish.kind !== 'time' || archiveFirst || first.length === 0) return plans.slice(index);
    if ((await findGoal(reach.base.gtid, first, wish, scan)) !== undefined) return plans.slice(index);
  }
  return [];
}
