import { SkybackupError } from '../contract/errors.ts';
import { serviceIdOf } from '../contract/ids.ts';
import type { LookupService } from '../contract/restores.ts';
import type { EngineContext } from './engine-context.ts';
import { findSource } from './jobs/restore-source.ts';
import { findBackup } from './jobs/restore-subject.ts';
import { placeOf } from './restore/data-place.ts';
import { checkImportable, isImport } from './restore/importable.ts';
import { checkRestorable } from './restore/restorable.ts';
import { lastBackup, type RestoreSource } from './restore/source.ts';
import { checkSpace, restoreSpace } from './restore/space.ts';
import type { BackupRow } from './store/backups-index.ts';
import type { StoredService } from './store/services-table.ts';

/** The services a backup may be restored onto: whose server can open its data, with room for them, or take them in by an import. `sourceId` is whose backup it is. */
export async function lookupTargets(
  context: EngineContext,
  backupId: string,
  sourceId: string,
): Promise<LookupService[]> {
  const { state } = context;
  const backup = findBackup(context, backupId);
  if (backup.service_id !== serviceIdOf(sourceId)) {
    throw new SkybackupError('not_found', `Service "${sourceId.slice(0, 300)}" has no backup ${backupId}.`, {
      hint: `service_id is the backup's source: ${backup.service_id}.`,
    });
  }
  const source = backup.status === 'Succeeded' ? await restorable(context, backup) : undefined;
  if (source === undefined) return [];
  const fitting: LookupService[] = [];
  for (const service of state.services.list()) {
    try {
      await checkFitting(context, source, service);
      fitting.push({ service_id: service.id, service_name: service.name });
    } catch (error) {
      if (!(error instanceof SkybackupError)) throw error;
    }
  }
  return fitting;
}

async function checkFitting(
  { home, repository }: EngineContext,
  source: RestoreSource,
  service: StoredService,
): Promise<void> {
  if (isImport(service, lastBackup(source))) {
    await checkImportable(lastBackup(source), repository, service, AbortSignal.timeout(10_000));
    return;
  }
  await checkRestorable(source, repository, service, AbortSignal.timeout(30_000));
  checkSpace(restoreSpace(source, placeOf(home, service)));
}

/** A backup that cannot be restored has no targets; why, a restore of it says. */
async function restorable(context: EngineContext, backup: BackupRow): Promise<RestoreSource | undefined> {
  try {
    return await findSource(context, backup);
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'backup_damaged') return undefined;
    throw error;
  }
}
