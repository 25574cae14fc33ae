import type { BackupApi, NewRestore } from '../../client/backup-api.ts';
import type { Backup } from '../../contract/backups.ts';
import { restoredFrom } from '../../contract/either-revision.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import { classifyStatus } from '../../contract/status.ts';
import { readTime, toPointInTime } from '../../contract/time.ts';
import type { Call } from '../context.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';
import { findBackup, isLatest } from './backup.ts';
import { exactMoment, readMoment } from './moment.ts';
import { findService } from './service.ts';

interface RestoreArguments {
  target?: 'new' | undefined;
  service?: string | undefined;
  tables?: string[] | undefined;
  backup?: string | undefined;
  source?: string | undefined;
  point_in_time?: string | undefined;
  gtid?: string | undefined;
  before_gtid?: string | undefined;
  keep_account?: boolean | undefined;
  safety_dump?: boolean | undefined;
  safety_backup?: boolean | undefined;
}

/** A moment after the backup's own, as the API takes it: a time, the last transaction wanted, or the first one not wanted. */
export type Wish = Pick<NewRestore, 'point_in_time' | 'gtid' | 'before_gtid'>;

export interface ExactRestore {
  target: 'new' | undefined;
  /** Undefined: the id of a new service is left to the daemon. */
  service_id: string | undefined;
  tables: string[] | undefined;
  /** A backup id; with a point in time and no backup, the source service's id. */
  id: string;
  wish: Wish;
  /** What is declined: skybackup's login on the target, the dump of before an import, in the cloud the way back. Empty where nothing is. */
  declined: Pick<NewRestore, 'keep_account' | 'safety_dump'> & { safety_backup?: false };
}

/** The exact restore that forgiving arguments mean, checked against the provider's rules before anyone is asked. */
export async function findRestore(args: RestoreArguments, call: Call): Promise<ExactRestore> {
  const { api, signal } = call;
  if (args.target === 'new') return findNewService(args, call);
  if (args.service === undefined || args.tables !== undefined) {
    const what = args.service === undefined ? 'service: which service is restored' : 'tables: choosing among them';
    throw new SkybackupError('invalid_request', `${what} is not clear.`, {
      hint: 'To replace all data of a service give "service" and no "tables"; to replace nothing give target "new".',
    });
  }
  const target = await findService(api, args.service, signal);
  const source = args.source === undefined ? target : await findService(api, args.source, signal);
  const wish = wishOf(args, call);
  const declined = declinedIn(args);
  if (args.backup === undefined) {
    if (Object.keys(wish).length === 0) {
      throw new SkybackupError('invalid_request', 'Which backup is to be restored was not given.', {
        hint: 'Choose one with list_backups, give "latest", or a point in time.',
      });
    }
    // A daemon chooses the best backup itself, and names the nearest moment that works.
    if (api.provider.kind === 'cloud') await checkWindow(api, source, wish.point_in_time ?? '', signal);
    await refuseTwice(api, target.id, source.id, signal);
    return { ...replacing, service_id: target.id, id: source.id, wish, declined };
  }
  // The target alone does not say whose backup it is: only what is named as the source does.
  const owner = args.source !== undefined || isLatest(args.backup) ? source.id : undefined;
  const backup = await findBackup(args.backup, owner, call);
  refuseLogs(backup);
  if (api.provider.kind === 'cloud') await checkTarget(api, backup, target, signal);
  await refuseTwice(api, target.id, backup.id, signal);
  return { ...replacing, service_id: target.id, id: backup.id, wish, declined };
}

const replacing = { target: undefined, tables: undefined };

/** Said of what is declined alone: the rest happens by itself. */
function declinedIn({ keep_account, safety_dump, safety_backup }: RestoreArguments): ExactRestore['declined'] {
  return {
    ...(keep_account === false ? { keep_account } : {}),
    ...(safety_dump === false ? { safety_dump } : {}),
    ...(safety_backup === false ? { safety_backup } : {}),
  };
}

/** A restore beside everything there is; `service` is then the id that the new service is to have. */
async function findNewService(args: RestoreArguments, call: Call): Promise<ExactRestore> {
  const { api, signal } = call;
  const { backup: given = '', service: service_id, tables, target } = args;
  // The daemon tells that it has no meaning there.
  const declined = declinedIn(args);
  const wish = wishOf(args, call);
  const source = args.source === undefined ? undefined : await findService(api, args.source, signal);
  if (given === '' && source !== undefined && Object.keys(wish).length > 0) {
    return { target, service_id, tables, id: source.id, wish, declined };
  }
  if (given === '' || (isLatest(given) && args.source === undefined)) {
    throw new SkybackupError('invalid_request', 'Which backup the new service is made of was not given.', {
      hint: 'Give a backup id from list_backups; or "latest" or a point in time, with the service it is of as "source".',
    });
  }
  const backup = await findBackup(given, source?.id, call);
  refuseLogs(backup);
  return { target, service_id, tables, id: backup.id, wish, declined };
}

function wishOf({ point_in_time, gtid, before_gtid }: RestoreArguments, call: Call): Wish {
  return {
    ...(point_in_time === undefined ? {} : { point_in_time: wantedMoment(point_in_time, call) }),
    ...(gtid === undefined ? {} : { gtid }),
    ...(before_gtid === undefined ? {} : { before_gtid }),
  };
}

/** `backup … up to 2026-11-22 10:00:00 UTC`, `the data of orders before transaction 0-1-57` */
export function dataInWords({ id, wish }: Pick<ExactRestore, 'id' | 'wish'>): string {
  const what = id.includes(':') ? `backup ${id}` : `the data of ${id}`;
  if (wish.before_gtid !== undefined) return `${what} before transaction ${wish.before_gtid}`;
  if (wish.gtid !== undefined) return `${what} up to transaction ${wish.gtid}`;
  return wish.point_in_time === undefined ? what : `${what} as of ${timeInWords(wish.point_in_time)}`;
}

function refuseLogs({ id, type }: Backup): void {
  if (type !== 'binarylog') return;
  throw new SkybackupError('unsupported', `${id} holds binary logs, which cannot be restored by themselves.`, {
    hint: 'Restore a full, incremental or dump backup; binary logs only roll one forward.',
  });
}

function wantedMoment(given: string, { api, now }: Call): string {
  // Only a daemon tells moments within a second apart.
  return api.provider.kind === 'daemon'
    ? exactMoment('point_in_time', given, now)
    : toPointInTime(readMoment('point_in_time', given, now));
}

/** The window is asked for, never guessed. */
async function checkWindow(api: BackupApi, source: Service, moment: string, signal: AbortSignal): Promise<void> {
  const windows = await api.lookupRecoveryWindows({ signal });
  const window = windows.find(({ service_id }) => service_id === source.id);
  if (window === undefined) {
    throw new SkybackupError('unsupported', `${source.id} cannot be restored to a point in time.`, {
      hint: 'That needs a snapshot schedule with gaps shorter than expire_logs_days (4 days unless changed), MariaDB 10.8 or newer and no Galera cluster. Restore a backup instead.',
    });
  }
  const at = readTime(moment)?.getTime() ?? Number.NaN;
  const from = readTime(window.start_time)?.getTime() ?? Number.NaN;
  const to = readTime(window.end_time)?.getTime() ?? Number.NaN;
  if (at >= from && at <= to) return;
  const span = `${timeInWords(window.start_time)} to ${timeInWords(window.end_time)}`;
  throw new SkybackupError('invalid_request', `${source.id} can go back to a moment from ${span}, not to ${moment}.`);
}

async function checkTarget(
  api: BackupApi,
  backup: { id: string; service_id: string },
  target: Service,
  signal: AbortSignal,
): Promise<void> {
  const request = { backup_id: backup.id, service_id: backup.service_id };
  const allowed = await api.lookupRestoreTargets(request, { signal });
  if (allowed.some(({ service_id }) => service_id === target.id)) return;
  const others = allowed.slice(0, 12).map(({ service_id }) => service_id);
  throw new SkybackupError('unsupported', `Backup ${backup.id} cannot be restored onto ${target.id}.`, {
    hint: `A managed backup stays within its cloud provider. Possible targets: ${others.join(', ') || 'none'}.`,
  });
}

/** A call that is repeated because its answer was lost must not start the same restore a second time. A daemon has its plans for that. */
async function refuseTwice(api: BackupApi, target: string, source: string, signal: AbortSignal): Promise<void> {
  if (api.provider.kind !== 'cloud') return;
  const { items } = await api.listRestores({ service_id: target, order: 'desc', page: 1, page_size: 100 }, { signal });
  const same = items.find(
    (restore) =>
      restore.service_id === target &&
      restoredFrom(restore) === source &&
      classifyStatus(restore.status) === 'in_progress',
  );
  if (same === undefined) return;
  const status = quoteText(same.status);
  throw new SkybackupError(
    'conflict',
    `Restore ${same.id} of ${target} from ${source} runs already: it is ${status}.`,
    {
      hint: `Do not start it again: call wait_for with {"kind":"restore","id":${same.id}}. If it stays ${status} for hours, SkySQL's support must look: the cloud cancels no restore.`,
      retryable: false,
    },
  );
}
