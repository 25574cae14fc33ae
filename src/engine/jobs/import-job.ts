import { randomUUID } from 'node:crypto';
import type { Restore } from '../../contract/restores.ts';
import { archivedBefore } from '../binlog/archived.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { carryOutPlanned } from '../plans/carry-out.ts';
import { type MeasuredJob, measured } from '../rates/measured-phases.ts';
import { importIntoRunning } from '../restore/import-running.ts';
import { checkImportable } from '../restore/importable.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import { type JobRow, lanes } from '../store/jobs-table.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import { readWhole } from '../verify/read-whole.ts';
import { archiveFirst } from './archive-first.ts';
import { importFailure, leftByImport } from './import-left.ts';
import { checkLease } from './lease.ts';
import { makeWay } from './make-way.ts';
import { findSource } from './restore-source.ts';
import { type RestoreSubject, restoreArguments } from './restore-subject.ts';
import { restoreView } from './restore-view.ts';
import { takeSafetyDump } from './safety-dump.ts';

/**
 * Accepts the import of a dump into a running server and starts its job. Whatever can stand against it is looked for while
 * the job already holds the target's lanes. Throws before anything is touched.
 */
export async function startImport(context: EngineContext, subject: RestoreSubject, asker: Asker): Promise<Restore> {
  const { state, jobs, repository } = context;
  const { target, backup } = subject;
  await makeWay(context, target.id, asker);
  const job = jobs.reserve({ kind: 'restore', service_id: target.id, lanes, backup_id: backup.id });
  try {
    const source = await findSource(context, backup);
    await checkImportable(lastBackup(source), repository, target, AbortSignal.timeout(30_000));
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
        imports: true,
        message: 'The restore is scheduled.',
      });
      state.jobs.link(job.row.id, { restore_id: row.id });
      return row;
    });
    let measure: MeasuredJob | undefined;
    job.start({
      async run(work) {
        measure = measured(work);
        await carryOut(context, { subject, source, restore, job: job.row }, measure);
      },
      succeeded() {
        const message = succeededWords(context, subject, restore.id);
        state.restores.end(restore.id, { status: 'Succeeded', message, warnings: measure?.warnings });
        return message;
      },
      failed: (end) =>
        state.restores.end(restore.id, {
          status: end.status === 'Cancelled' ? 'Cancelled' : 'Failed',
          message: end.message,
          warnings: measure?.warnings,
        }),
    });
    return restoreView(restore);
  } catch (error) {
    job.abandon();
    throw error;
  }
}

interface Running {
  subject: RestoreSubject;
  source: RestoreSource;
  restore: RestoreRow;
  job: JobRow;
}

async function carryOut(context: EngineContext, running: Running, work: JobContext): Promise<void> {
  const { target } = running.subject;
  try {
    await saveAndImport(context, running, work);
  } catch (error) {
    throw importFailure(error, target.id, leftByImport(context.state, running.restore.id), work.signal);
  }
}

async function saveAndImport(
  context: EngineContext,
  { subject, source, restore, job }: Running,
  work: JobContext,
): Promise<void> {
  const { state, repository } = context;
  const { target, safetyDump } = subject;
  const dump = lastBackup(source);
  state.restores.begin(restore.id, `The import is being prepared; nothing of ${target.id} has been changed.`);
  // To its end before the first change: a damaged block would else be met when the databases are gone.
  await readWhole([dump], repository, work);
  if (safetyDump) state.restores.setSafetyBackup(restore.id, await takeSafetyDump(context, target, job, work));
  // What was logged until now belongs to the earlier incarnation, and nobody would archive it there any more.
  if (archivedBefore(state, target).ends.length > 0) await archiveFirst(context, target.id, job, work);
  await importIntoRunning(
    {
      dump,
      target,
      repository,
      beforeChange() {
        checkLease(context, job, work.signal);
        state.transaction(() => {
          state.restores.beginImport(restore.id, `The dump is being imported: ${target.id} is partly replaced.`);
          // Whatever becomes of it: no chain of backups goes on from here.
          state.services.setIncarnation(target.id, restore.new_incarnation);
        });
      },
    },
    work,
  );
}

function succeededWords({ state }: EngineContext, { target, backup }: RestoreSubject, restoreId: number): string {
  const safety = state.restores.get(restoreId)?.safety_backup;
  const back =
    safety === undefined
      ? 'No safety dump was taken.'
      : `To go back, restore its safety dump ${safety} onto ${target.id}.`;
  return `Imported: service ${target.id} has the databases of the dump of ${backup.service_id}, and went on running. Its accounts stay, and those of the dump are added. ${back}`;
}
