import type { PlanFacts, PlannedOperation } from '../../contract/plans.ts';
import type { EngineContext } from '../engine-context.ts';
import type { PlannedAction } from './carry-out.ts';
import { createScheduleOperation } from './create-schedule-operation.ts';
import { deleteBackupOperation } from './delete-backup-operation.ts';
import { deleteRestoreOperation } from './delete-restore-operation.ts';
import { restoreOperation } from './restore-operation.ts';
import { deleteScheduleOperation, updateScheduleOperation } from './schedule-operations.ts';
import { setRetentionOperation } from './set-retention-operation.ts';
import { stopOperation } from './stop-operation.ts';
import { undoRestoreOperation } from './undo-restore-operation.ts';

/** What a plan is made of. */
export interface Target {
  facts: PlanFacts;
  /** Of everything the approver is shown about the target; compared again when the plan is carried out. */
  digest: string;
}

/** One destructive operation: how its arguments are read, and what a person must know of its target. */
export interface Operation {
  /** The arguments in their one form (ids resolved, early names replaced). Throws `invalid_request`, `not_found`, `unsupported`. */
  normalise(
    context: EngineContext,
    input: Record<string, unknown>,
  ): Record<string, unknown> | Promise<Record<string, unknown>>;
  /** Throws where what the arguments name has gone; at once, in a transaction. Default: `normalise`, where that is at once. */
  recheck?(context: Pick<EngineContext, 'state'>, args: Record<string, unknown>): void;
  /** `ownJob` holds the lanes for the very request that looks, and is not a change. */
  describe(context: EngineContext, args: Record<string, unknown>, ownJob: number | undefined): Promise<Target>;
}

const operations: Record<PlannedOperation, Operation> = {
  restore_backup: restoreOperation,
  undo_restore: undoRestoreOperation,
  create_schedule: createScheduleOperation,
  delete_schedule: deleteScheduleOperation,
  update_schedule: updateScheduleOperation,
  delete_restore: deleteRestoreOperation,
  stop_service: stopOperation,
  delete_backup: deleteBackupOperation,
  set_retention: setRetentionOperation,
};

export async function normaliseAction(context: EngineContext, action: PlannedAction): Promise<PlannedAction> {
  const { operation } = action;
  return { operation, arguments: await operations[operation].normalise(context, action.arguments) };
}

/** Throws where what an action names has gone since it was normalised. At once: it is asked in a transaction. */
export function recheckAction(context: EngineContext, { operation, arguments: args }: PlannedAction): void {
  const { recheck, normalise } = operations[operation];
  if (recheck === undefined) void normalise(context, args);
  else recheck(context, args);
}

export function describeTarget(
  context: EngineContext,
  action: PlannedAction,
  ownJob: number | undefined,
): Promise<Target> {
  return operations[action.operation].describe(context, action.arguments, ownJob);
}
