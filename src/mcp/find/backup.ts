import type { BackupApi } from '../../client/backup-api.ts';
import type { Backup } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId } from '../../contract/ids.ts';
import { classifyStatus } from '../../contract/status.ts';
import { readTime } from '../../contract/time.ts';
import { quoteText } from '../untrusted-text.ts';
import { findService } from './service.ts';

export const latest = 'latest';

/** A whole backup by its id, or the newest usable one of `sourceId` for `latest`. Unfinished and failed ones are refused. */
export async function findBackup(
  api: BackupApi,
  given: string,
  sourceId: string,
  signal: AbortSignal,
): Promise<Backup> {
  if (given.trim().toLowerCase() === latest) return newestBackup(api, sourceId, signal);
  if (/^(?:s3|gs|file):\/\//i.test(given.trim())) {
    throw new SkybackupError(
      'unsupported',
      `${quoteText(given)} is no backup of skybackup: tools restore only those.`,
      {
        hint:
          api.provider.kind === 'daemon'
            ? 'Ask the person to run "skybackup restores bring <object> --method mariabackup|mysqldump": it makes a new service of it.'
            : 'Ask the person to restore it with their own request: it needs the credentials of the bucket.',
      },
    );
  }
  if (!isBackupId(given.trim())) {
    throw new SkybackupError('invalid_request', `${quoteText(given)} is not a backup id.`, {
      hint: 'Take the id from list_backups (32 hex digits, service, pod, with colons between), or "latest".',
    });
  }
  const backup = await api.getBackup(given.trim(), { signal });
  if (classifyStatus(backup.status) !== 'done') {
    throw new SkybackupError(
      'invalid_request',
      `Backup ${backup.id} is ${quoteText(backup.status)}: only a finished one can be restored.`,
      { hint: 'Choose another with list_backups, or wait for this one with wait_for.' },
    );
  }
  return backup;
}

/** As `findBackup`, with the service only where it is needed: for `latest`. */
export async function findOwnBackup(
  api: BackupApi,
  given: string,
  service: string | undefined,
  signal: AbortSignal,
): Promise<Backup> {
  const owner = service === undefined ? undefined : (await findService(api, service, signal)).id;
  if (owner === undefined && given.trim().toLowerCase() === latest) {
    throw new SkybackupError('invalid_request', 'Whose latest backup? Name the service, or give a backup id.');
  }
  return findBackup(api, given, owner ?? '', signal);
}

async function newestBackup(api: BackupApi, serviceId: string, signal: AbortSignal): Promise<Backup> {
  const { items } = await api.listBackups({ service_id: serviceId, order: 'desc', page_size: 100 }, { signal });
  const usable = items.filter(({ status, type }) => classifyStatus(status) === 'done' && type !== 'binarylog');
  const newest = usable.sort((a, b) => takenAt(b) - takenAt(a))[0];
  if (newest === undefined) {
    throw new SkybackupError('not_found', `Service ${serviceId} has no finished backup that could be restored.`, {
      hint: 'Look at list_backups, or take one with create_backup.',
    });
  }
  return newest;
}

/** The moment a backup's data is of, for ordering; 0 when it does not say. */
export function takenAt({ point_in_time, end_time, start_time }: Backup): number {
  return (readTime(point_in_time) ?? readTime(start_time) ?? readTime(end_time))?.getTime() ?? 0;
}
