import type { BackupApi } from '../../client/backup-api.ts';
import type { Backup } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId } from '../../contract/ids.ts';
import { classifyStatus } from '../../contract/status.ts';
import { readTime } from '../../contract/time.ts';
import type { Call } from '../context.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { quoteText, unquoteText } from '../untrusted-text.ts';
import { readMoment } from './moment.ts';
import { findService } from './service.ts';

export const latest = 'latest';

/** How a backup is named, for the arguments of tools. */
export const backupForms = 'Id, "latest" or "latest before <time>"';

type Calling = Pick<Call, 'api' | 'signal' | 'now'>;

const newestOf = /^(?:the )?(?:latest|newest|last|most recent)(?: backup)?(?: before (?<moment>.+))?$/i;

/** Whether it means the newest one of a service, so that it must be known of which. */
export function isLatest(given: string): boolean {
  return newestOf.test(spaced(given));
}

/** A whole backup by its id, or the newest usable one of `sourceId` for `latest`. Unfinished and failed ones are refused. */
export async function findBackup(given: string, sourceId: string | undefined, call: Calling): Promise<Backup> {
  const { api, signal } = call;
  const text = spaced(given);
  const { moment } = newestOf.exec(text)?.groups ?? {};
  if (isLatest(text)) {
    if (sourceId === undefined) {
      throw new SkybackupError('invalid_request', 'Whose latest backup? Name the service, or give a backup id.');
    }
    return newestBackup(
      api,
      sourceId,
      moment === undefined ? undefined : readMoment('before', moment, call.now),
      signal,
    );
  }
  if (/^(?:s3|gs|file):\/\//i.test(text)) {
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
  const id = backupId(text);
  const backup = await api.getBackup(id, { signal });
  if (sourceId !== undefined && backup.service_id !== sourceId) {
    throw new SkybackupError(
      'invalid_request',
      `Backup ${backup.id} is of ${quoteText(backup.service_id, 80)}, not of ${quoteText(sourceId, 80)}.`,
      { hint: `Take an id from list_backups with service "${sourceId}", or name the service that the backup is of.` },
    );
  }
  if (classifyStatus(backup.status) !== 'done') {
    throw new SkybackupError(
      'invalid_request',
      `Backup ${backup.id} is ${quoteText(backup.status)}: only a finished one can be restored.`,
      { hint: 'Choose another with list_backups, or wait for this one with wait_for.' },
    );
  }
  return backup;
}

/** As `findBackup`, of a service that is found by whatever it is called. */
export async function findOwnBackup(given: string, service: string | undefined, call: Calling): Promise<Backup> {
  const owner = service === undefined ? undefined : (await findService(call.api, service, call.signal)).id;
  return findBackup(given, owner, call);
}

/** A backup id as it was copied, marks and all. Throws `invalid_request` for what is none. */
export function backupId(given: string): string {
  const id = unquoteText(given)
    .replace(/^id /i, '')
    .replace(/^[`'"](.*)[`'"]$/, '$1');
  if (isBackupId(id)) return id;
  throw new SkybackupError('invalid_request', `${quoteText(given)} is not a backup id.`, {
    hint: isLatest(given)
      ? 'Only an id will do here. Take it from list_backups with the service.'
      : 'Take the id from list_backups (32 hex digits, service, pod, with colons between), or "latest", or "latest before <time>".',
  });
}

function spaced(given: string): string {
  return given.trim().replace(/\s+/g, ' ');
}

/** Backups that run side by side end in another order than they are listed: so many more are looked at. */
const margin = 20;

/** The newest whole one whose data are of before a moment. Binary logs in between can be thousands: it reads on until there is one. */
async function newestBackup(
  api: BackupApi,
  serviceId: string,
  before: Date | undefined,
  signal: AbortSignal,
): Promise<Backup> {
  const fits = (backup: Backup): boolean =>
    classifyStatus(backup.status) === 'done' &&
    backup.type !== 'binarylog' &&
    (before === undefined || (takenAt(backup) > 0 && takenAt(backup) < before.getTime()));
  const seen: Backup[] = [];
  for (let page = 1, pages = 1; page <= pages && !seen.slice(0, -margin).some(fits); page += 1) {
    const query = { service_id: serviceId, order: 'desc', page, page_size: 100 } as const;
    const part = await api.listBackups(query, { signal });
    seen.push(...part.items);
    pages = part.items.length === 0 ? page : part.pages;
  }
  const newest = seen.filter(fits).sort((a, b) => takenAt(b) - takenAt(a))[0];
  if (newest !== undefined) return newest;
  const when = before === undefined ? '' : ` of before ${timeInWords(before.toISOString())}`;
  throw new SkybackupError('not_found', `Service ${serviceId} has no finished backup${when} that could be restored.`, {
    hint: 'Look at list_backups, or take one with create_backup.',
  });
}

/** The moment a backup's data is of, for ordering; 0 when it does not say. */
export function takenAt({ point_in_time, end_time, start_time }: Backup): number {
  return (readTime(point_in_time) ?? readTime(start_time) ?? readTime(end_time))?.getTime() ?? 0;
}
