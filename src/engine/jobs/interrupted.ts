import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import { stillWanted } from '../schedule/after-restore.ts';
import type { JobEnd } from '../store/jobs-table.ts';
import { type LeftByImport, leftByImport } from './import-left.ts';

/**
 * Ends what the daemon before this one left running: nobody works on it any more. Backups are decided by the repository
 * first and restores by the recovery; this closes the books on the rest, so that nothing stays Running for ever.
 */
export function closeInterrupted(context: EngineContext): number {
  const { state } = context;
  return state.transaction(() => {
    const jobs = state.jobs.active();
    for (const job of jobs) {
      const end = endOf(context, job.id, job.phase, job.backup_id, job.restore_id);
      state.jobs.end(job.id, end);
      const schedule = job.schedule_id === undefined ? undefined : state.schedules.get(job.schedule_id);
      if (schedule?.job_id === job.id) {
        state.schedules.change(schedule.id, {
          status: end.status,
          message: end.message,
          ...stillWanted(schedule, end, context.clock.now()),
          ...(end.status === 'Succeeded' && job.backup_id !== undefined ? { backup_id: job.backup_id } : {}),
        });
      }
    }
    for (const row of state.verifications.running()) {
      state.verifications.end(row.id, endOfInterrupted(state.jobs.get(row.job_id)?.phase));
    }
    const message = interruption(undefined).message;
    for (const { id } of state.backups.running()) state.backups.end(id, 'Failed', message);
    for (const restore of state.restores.running()) {
      const untouched =
        restore.target === 'new' ? 'Nothing of the new service is left.' : 'The target is as it was before.';
      const left = leftByImport(state, restore.id)?.message ?? untouched;
      state.restores.end(restore.id, { status: 'Failed', message: `${message} ${left}` });
    }
    return jobs.length;
  });
}

function endOf(
  context: EngineContext,
  jobId: number,
  phase: string | undefined,
  backupId: string | undefined,
  restoreId: number | undefined,
): JobEnd {
  const { state } = context;
  const restore = restoreId === undefined ? undefined : state.restores.get(restoreId);
  if (restore !== undefined && restore.status === 'Succeeded') return { status: 'Succeeded', message: restore.message };
  const backup = backupId === undefined ? undefined : state.backups.get(backupId);
  // The one that this job took: restores and verifications work with backups of others.
  if (backup?.status === 'Succeeded' && backup.job_id === jobId) {
    return { status: 'Succeeded', message: `Backup ${backupId} succeeded.` };
  }
  const left = restoreId === undefined ? undefined : leftByImport(state, restoreId);
  return endOfInterrupted(phase, left);
}

function endOfInterrupted(phase: string | undefined, left?: LeftByImport): JobEnd {
  const interrupted = interruption(phase);
  const message = left === undefined ? interrupted.message : `${interrupted.message} ${left.message}`;
  return {
    status: 'Failed',
    message,
    error: { code: interrupted.code, message, hint: left?.hint ?? interrupted.hint },
  };
}

function interruption(phase: string | undefined): SkybackupError {
  return new SkybackupError(
    'interrupted',
    `The daemon ended while the job ran${phase === undefined ? '' : ` (phase ${phase})`}.`,
  );
}
