import { SkybackupError } from '../../contract/errors.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { carryOutPlanned } from './carry-out.ts';
import { findRestore } from './delete-restore-operation.ts';

/** Removes the record of a restore that has ended. Throws `not_found`, `conflict` while it runs, and what plans throw. */
export async function deleteRestore(context: EngineContext, id: number, asker: Asker): Promise<void> {
  findRestore(context, id);
  await carryOutPlanned(context, { operation: 'delete_restore', arguments: { id } }, asker, undefined, () => {
    const { status, job_id } = findRestore(context, id);
    if (status === 'Running' || status === 'Scheduled') {
      throw new SkybackupError('conflict', `Restore ${id} is running (job ${job_id}).`);
    }
    context.state.restores.remove(id);
  });
}
