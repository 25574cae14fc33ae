import { randomUUID } from 'node:crypto';
import type { Restore, RestoreRequest } from '../../contract/restores.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { highestGtids } from '../mariadb/gtid.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import { type MeasuredJob, measured } from '../rates/measured-phases.ts';
import { recordRates } from '../rates/record-rates.ts';
import { placeOf } from '../restore/data-place.ts';
import { checkRestorable } from '../restore/restorable.ts';
import { type RestoreOutcome, restoreBackup } from '../restore/restore.ts';
import { checkSpace, restoreSpace } from '../restore/space.ts';
import { targetServer } from '../restore/target-server.ts';
import { wantBackupAfter } from '../schedule/after-restore.ts';
import { lanes } from '../store/jobs-table.ts';
import type { StoredService } from '../store/services-table.ts';
import { startImport } from './import-job.ts';
import { checkLease } from './lease.ts';
import { makeWay } from './make-way.ts';
import { findSource } from './restore-source.ts';
import { resolveRestore, restoreArguments } from './restore-subject.ts';
import { restoreView } from './restore-view.ts';
import { rolledSource } from './rolled-source.ts';

/**
 * Accepts a restore and starts its job. Everything that can be known before is checked first, while the job already holds
 * the target's lanes: the plan, the target's digest, versions, space. Throws before anything is touched.
 */
export async function startRestore(context: EngineContext, request: RestoreRequest, asker: Asker): Promise<Restore> {
  const { state, jobs, repository, home } = context;
  const subject = await resolveRestore(context, request);
  if (subject.imports) return startImport(context, subject, asker);
  const { target, backup } = subject;
  await makeWay(context, target.id, asker);
  const job = jobs.reserve({ kind: 'restore', service_id: target.id, lanes, backup_id: backup.id });
  try {
    const source = await findSource(context, backup);
    await checkRestorable(source, repository, target, AbortSignal.timeout(30_000));
    await targetServer(home, target).look(AbortSignal.timeout(30_000));
    checkSpace(restoreSpace(source, placeOf(home, target)));
    const action = { operation: 'restore_backup' as const, arguments: restoreArguments(subject) };
    const restore = await carryOutPlanned(context, action, asker, job.row.id, () => {
      const row = state.restores.add({
        service_id: target.id,
        service_name: target.name,
        source_service_id: backup.service_id,
        backup_id: backup.id,
        bucket: repository.url,
        backup_type: backup.type,
        new_incarnation: randomUUID(),
        job_id: job.row.id,
        plan_id: asker.planId,
        message: 'The restore is scheduled.',
      });
      state.jobs.link(job.row.id, { restore_id: row.id });
      return row;
    });

    let measure: MeasuredJob | undefined;
    let rolled = source;
    job.start<RestoreOutcome>({
      async run(work) {
        measure = measured(work);
        state.restores.begin(restore.id, 'The new data are being made beside the present ones; the service goes on.');
        rolled = await rolledSource(context, subject, source, job.row, measure);
        return restoreBackup(
          {
            restoreId: restore.id,
            target,
            source: rolled,
            repository,
            home,
            newIncarnation: restore.new_incarnation,
            highestGtids: knownGtids(context, target),
            keepAccount: subject.keepAccount,
            beforeSwap: () => checkLease(context, job.row, work.signal),
          },
          measure,
        );
      },
      succeeded(outcome) {
        recordRates(state, rolled, measure);
        return recordSuccess(context, target, restore.id, restore.new_incarnation, outcome, rolled.rollForward?.until);
      },
      failed: (end) =>
        state.restores.end(restore.id, {
          status: end.status === 'Cancelled' ? 'Cancelled' : 'Failed',
          message: end.message,
        }),
    });
    return restoreView(restore);
  } catch (error) {
    job.abandon();
    throw error;
  }
}

/** What was ever recorded of the target's GTIDs; its live state is added by the restore itself. */
export function knownGtids(context: EngineContext, target: StoredService): string {
  return highestGtids(
    target.highest_gtids,
    ...context.state.backups.gtidsOf(target.id),
    ...context.state.archivedLogs.gtidsOf(target.id),
  );
}

function recordSuccess(
  context: EngineContext,
  target: StoredService,
  restoreId: number,
  incarnation: string,
  outcome: RestoreOutcome,
  until: string | undefined,
): string {
  const { state } = context;
  const { downtime_ms, kept_data, kept_until, warnings, users_from, service_running, highest_gtids } = outcome;
  const reached = until === undefined ? '' : ` up to GTID ${until}`;
  const message = service_running
    ? `Restored${reached}. Service ${target.id} runs with the users of ${users_from}.`
    : `Restored${reached}. Service ${target.id} is stopped; start it. It has the users of ${users_from}.`;
  state.services.setIncarnation(target.id, incarnation);
  state.services.setHighestGtids(target.id, highestGtids(knownGtids(context, target), highest_gtids));
  state.restores.end(restoreId, {
    status: 'Succeeded',
    message,
    downtime_ms,
    ...(kept_data === '' ? {} : { kept_data, kept_until: Date.parse(kept_until) }),
    users_from,
    warnings,
    gtids: highest_gtids,
  });
  wantBackupAfter(context, target.id, restoreId);
  return message;
}
