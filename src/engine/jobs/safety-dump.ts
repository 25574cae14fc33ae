import { toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import { takeDump } from '../backup/dump.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import type { JobRow } from '../store/jobs-table.ts';
import { recordBackup } from '../store/reconcile-catalogue.ts';
import type { StoredService } from '../store/services-table.ts';
import { newBackupId } from './backup-job.ts';
import { checkLease } from './lease.ts';

/**
 * Dumps a target on behalf of the restore that is about to change it, as a backup like any other: restoring it is the way
 * back. Returns its id. Throws what keeps the target from being dumped; then nothing of it has been changed.
 */
export async function takeSafetyDump(
  { state, storages }: EngineContext,
  service: StoredService,
  restore: JobRow,
  work: JobContext,
): Promise<string> {
  const backupId = newBackupId(service.id);
  const storage = storages.defaultFor(service.id);
  const repository = storages.at(storage);
  state.backups.begin({
    id: backupId,
    service_id: service.id,
    service_name: service.name,
    type: 'dump',
    method: 'mariadb-dump',
    job_id: restore.id,
    storage,
  });
  const warnings: string[] = [];
  const told: JobContext = {
    signal: work.signal,
    phase: (name, message) => work.phase('saving', message ?? `A dump of ${service.id} as it is now: ${name}.`),
    progress: (bytes, total) => work.progress(bytes, total),
    warn: (message) => void warnings.push(message),
  };
  try {
    const beforePublish = (): void => checkLease({ state }, restore, work.signal);
    const manifest = await takeDump({ service, backupId, repository, beforePublish }, told);
    state.transaction(() => {
      recordBackup(state, manifest);
      state.backups.setWarnings(backupId, warnings);
      state.retention.wantPass(service.id);
    });
    return backupId;
  } catch (error) {
    const { message } = toSkybackupError(error);
    state.backups.end(backupId, work.signal.aborted ? 'Cancelled' : 'Failed', redact(message));
    throw error;
  }
}
