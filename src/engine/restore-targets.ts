import { SkybackupError } from '../contract/errors.ts';
import { serviceIdOf } from '../contract/ids.ts';
import type { LookupService } from '../contract/restores.ts';
import type { EngineContext } from './engine-context.ts';
import { findBackup } from './jobs/restore-subject.ts';
import { checkRestorable } from './restore/restorable.ts';

/** The services a backup may be restored onto: managed ones whose server can open its files. `sourceId` is whose backup it is. */
export async function lookupTargets(
  context: EngineContext,
  backupId: string,
  sourceId: string,
): Promise<LookupService[]> {
  const { state, repository } = context;
  const backup = findBackup(context, backupId);
  if (backup.service_id !== serviceIdOf(sourceId)) {
    throw new SkybackupError('not_found', `Service "${sourceId.slice(0, 300)}" has no backup ${backupId}.`, {
      hint: `service_id is the backup's source: ${backup.service_id}.`,
    });
  }
  const manifest = backup.status === 'Succeeded' ? await repository.manifest(backup.service_id, backupId) : undefined;
  if (manifest === undefined) return [];
  const fitting: LookupService[] = [];
  for (const service of state.services.list()) {
    try {
      await checkRestorable({ backups: [manifest] }, service, AbortSignal.timeout(30_000));
      fitting.push({ service_id: service.id, service_name: service.name });
    } catch (error) {
      if (!(error instanceof SkybackupError)) throw error;
    }
  }
  return fitting;
}
