import { randomUUID } from 'node:crypto';
import type { Restore } from '../../contract/restores.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import type { RestoreOutcome } from '../restore/restore.ts';
import { undoRestore } from '../restore/undo.ts';
import { wantBackupAfter } from '../schedule/after-restore.ts';
import { lanes } from '../store/jobs-table.ts';
import { checkLease } from './lease.ts';
import { makeWay } from './make-way.ts';
import { knownGtids } from './restore-job.ts';
import { restoreView } from './restore-view.ts';
import { resolveUndo } from './undo-subject.ts';

/** Accepts the undo of a restore and starts its job; it is a restore of its own, with a number of its own. */
export async function startUndo(context: EngineContext, restoreId: number, asker: Asker): Promise<Restore> {
  const { state, jobs, home } = context;
  const { target } = resolveUndo(context, restoreId);
  await makeWay(context, target.id, asker);
  const job = jobs.reserve({ kind: 'undo', service_id: target.id, lanes });
  try {
    // Again, now that nobody removes it any more.
    const { kept } = resolveUndo(context, restoreId);
    const action = { operation: 'undo_restore' as const, arguments: { id: restoreId } };
    const undo = await carryOutPlanned(context, action, asker, job.row.id, () => {
      const row = state.restores.add({
        service_id: target.id,
        service_name: target.name,
        source_service_id: target.id,
        backup_id: '',
        backup_type: '',
        bucket: '',
        new_incarnation: randomUUID(),
        job_id: job.row.id,
        plan_id: asker.planId,
        undo_of: restoreId,
        message: 'The undo is scheduled.',
      });
      state.jobs.link(job.row.id, { restore_id: row.id });
      return row;
    });
    job.start<RestoreOutcome>({
      run(work) {
        state.restores.begin(undo.id, 'The kept data are being proven; the service goes on.');
        return undoRestore(
          {
            restoreId: undo.id,
            target,
            kept,
            home,
            newIncarnation: undo.new_incarnation,
            highestGtids: knownGtids(context, target),
            beforeSwap: () => checkLease(context, job.row, work.signal),
          },
          work,
        );
      },
      succeeded(outcome) {
        const { downtime_ms, kept_data, kept_until, warnings, users_from, service_running, highest_gtids } = outcome;
        const state_words = service_running ? 'runs' : 'is stopped; start it';
        const message = `Restore ${restoreId} is undone: service ${target.id} has the data and users of before it, and ${state_words}.`;
        state.services.setIncarnation(target.id, undo.new_incarnation);
        state.services.setHighestGtids(target.id, highestGtids(knownGtids(context, target), highest_gtids));
        state.restores.forgetKept(restoreId);
        state.restores.end(undo.id, {
          status: 'Succeeded',
          message,
          downtime_ms,
          ...(kept_data === '' ? {} : { kept_data, kept_until: Date.parse(kept_until) }),
          users_from,
          warnings,
          gtids: highest_gtids,
        });
        wantBackupAfter(context, target.id, undo.id);
        return message;
      },
      failed: (end) =>
        state.restores.end(undo.id, {
          status: end.status === 'Cancelled' ? 'Cancelled' : 'Failed',
          message: end.message,
        }),
    });
    return restoreView(undo);
  } catch (error) {
    job.abandon();
    throw error;
  }
}
