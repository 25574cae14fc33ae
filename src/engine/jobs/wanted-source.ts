import type { EngineContext } from '../engine-context.ts';
import { lookAtForeign } from '../foreign/foreign-backup.ts';
import type { RestoreSource } from '../restore/source.ts';
import type { NewRestoreRow } from '../store/restores-table.ts';
import { findSource } from './restore-source.ts';
import type { WantedData } from './restore-subject.ts';

/** All that a restore of wanted data needs; what lies in a bucket is looked at. Throws what keeps it from being restored. */
export function wantedSource(
  context: Pick<EngineContext, 'state' | 'repository'>,
  wanted: WantedData,
): Promise<RestoreSource> {
  return wanted.object === undefined ? findSource(context, wanted.backup) : lookAtForeign(wanted.object);
}

type Origin = Pick<NewRestoreRow, 'source_service_id' | 'backup_id' | 'bucket' | 'backup_type'>;

/** Where wanted data come from, as it is recorded. */
export function originOf({ repository }: Pick<EngineContext, 'repository'>, wanted: WantedData): Origin {
  if (wanted.object === undefined) {
    const { id, service_id, type } = wanted.backup;
    return { source_service_id: service_id, backup_id: id, bucket: repository.url, backup_type: type };
  }
  const { url, key, method, store } = wanted.object;
  const backup_type = method === 'mysqldump' ? 'dump' : 'full';
  return { source_service_id: url, backup_id: `/${key}`, bucket: store.url, backup_type };
}
