import { setTimeout as delay } from 'node:timers/promises';
import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { type BinlogBackupInput, takeBinlogBackup } from '../binlog/archive.ts';
import { takeStoppedBinlogBackup } from '../binlog/archive-stopped.ts';
import { archivedBefore } from '../binlog/archived.ts';
import { seeServer } from '../control/seen-server.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { JobRow } from '../store/jobs-table.ts';
import { recordBackup } from '../store/reconcile-catalogue.ts';
import type { StoredService } from '../store/services-table.ts';
import { newBackupId, noticeReplacedData } from './backup-job.ts';
import { endOf } from './job-end.ts';
import { checkLease } from './lease.ts';

/**
 * Archives what a service has logged until now, as a backup of type binarylog like any other, on behalf of a restore: the
 * moment before a DROP is usually in the log that is being written. A server that is down is read from its files. False when
 * there was nothing new. Throws what keeps the logs from being archived.
 */
export async function archiveFirst(
  context: EngineContext,
  serviceId: string,
  restore: JobRow,
  work: JobContext,
): Promise<boolean> {
  const service = context.state.services.get(serviceId);
  if (service === undefined) return false;
  const told: JobContext = {
    ...work,
    signal: work.signal,
    phase: (name, message) => work.phase('archiving', message ?? `The binary logs of ${serviceId}: ${name}.`),
  };
  // The restore holds every lane of its target.
  if (restore.service_id === serviceId) return archive(context, service, restore, told);
  const own = await takeLane(context, serviceId, work);
  try {
    context.state.jobs.start(own.id);
    const any = await archive(context, service, own, told);
    const message = any ? 'Archived for a restore.' : 'Nothing new to archive for a restore.';
    context.state.jobs.end(own.id, { status: 'Succeeded', message });
    return any;
  } catch (error) {
    context.state.jobs.end(own.id, endOf(error, work.signal));
    throw error;
  }
}

/** The other service's lane for binary logs, once a run that is under way there has ended. */
async function takeLane({ state, jobs }: EngineContext, serviceId: string, work: JobContext): Promise<JobRow> {
  for (;;) {
    work.signal.throwIfAborted();
    const result = state.jobs.reserve({ kind: 'binarylog', service_id: serviceId, lanes: ['binlog'] });
    if ('reserved' in result) return result.reserved;
    work.phase('archiving', `Waiting for job ${result.busy.id} (${result.busy.kind}) of ${serviceId}.`);
    // Another restore's run is not among the jobs that can be waited for.
    await Promise.race([Promise.all([jobs.ended(result.busy.id), delay(200)]), aborted(work.signal)]);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function archive(
  context: EngineContext,
  registered: StoredService,
  job: JobRow,
  work: JobContext,
): Promise<boolean> {
  const { state, storages } = context;
  const storage = storages.defaultFor(registered.id);
  const repository = storages.at(storage);
  const service = noticeReplacedData(context, registered, work);
  const backupId = newBackupId(service.id);
  state.backups.begin({
    id: backupId,
    service_id: service.id,
    service_name: service.name,
    type: 'binarylog',
    method: 'mariadb-binlog',
    job_id: job.id,
    storage,
  });
  try {
    const manifest = await take(
      service,
      {
        service,
        backupId,
        repository,
        beforePublish: () => checkLease(context, job, work.signal),
        ...archivedBefore(state, service),
      },
      work,
    );
    state.transaction(() => {
      if (manifest === undefined) return state.backups.forget(backupId);
      recordBackup(state, manifest);
      state.retention.wantPass(service.id);
    });
    return manifest !== undefined;
  } catch (error) {
    const { message } = toSkybackupError(error);
    state.backups.end(backupId, work.signal.aborted ? 'Cancelled' : 'Failed', redact(message));
    throw error;
  }
}

async function take(service: StoredService, input: BinlogBackupInput, work: JobContext): Promise<Manifest | undefined> {
  const seen = await seeServer(service, work.signal);
  if (seen.answer !== 'silent') return takeBinlogBackup(input, work);
  if (service.datadir !== undefined && seen.process === undefined) {
    return takeStoppedBinlogBackup(input, service.datadir, work);
  }
  throw new SkybackupError(
    'service_down',
    `The newest binary logs of ${service.id} cannot be archived: its server does not answer.`,
    { hint: 'Start it; or choose a moment that the archived logs reach.' },
  );
}
