import type { BackupApi } from '../../client/backup-api.ts';
import type { Backup } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import { parsePointInTime, toPointInTime } from '../../contract/time.ts';
import type { Call } from '../context.ts';
import { readTime, timeInWords } from '../sizes-and-times.ts';
import { findBackup, latest } from './backup.ts';
import { findService } from './service.ts';

interface RestoreArguments {
  target?: 'new' | undefined;
  service?: string | undefined;
  tables?: string[] | undefined;
  backup?: string | undefined;
  source?: string | undefined;
  point_in_time?: string | undefined;
}

export interface ExactRestore {
  target: 'new' | undefined;
  /** Undefined: the id of a new service is left to the daemon. */
  service_id: string | undefined;
  tables: string[] | undefined;
  /** A backup id; in the cloud, with a point in time and no backup, the source service's id. */
  id: string;
  point_in_time: string | undefined;
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
  const point_in_time = args.point_in_time === undefined ? undefined : exactMoment(args.point_in_time);
  if (args.backup === undefined) {
    if (point_in_time === undefined || api.provider.kind !== 'cloud') {
      throw new SkybackupError('invalid_request', 'Which backup is to be restored was not given.', {
        hint: 'Choose one with list_backups, or give "latest".',
      });
    }
    await checkWindow(api, source, point_in_time, signal);
    return { ...replacing, service_id: target.id, id: source.id, point_in_time };
  }
  const backup = await findBackup(api, args.backup, source.id, signal);
  refuseLogs(backup);
  if (api.provider.kind === 'cloud') await checkTarget(api, backup, target, signal);
  return { ...replacing, service_id: target.id, id: backup.id, point_in_time };
}

const replacing = { target: undefined, tables: undefined };

/** A restore beside everything there is; `service` is then the id that the new service is to have. */
async function findNewService(args: RestoreArguments, { api, signal }: Call): Promise<ExactRestore> {
  const { backup: given = '', service: service_id, tables, target } = args;
  if (given === '' || (given.trim().toLowerCase() === latest && args.source === undefined)) {
    throw new SkybackupError('invalid_request', 'Which backup the new service is made of was not given.', {
      hint: 'Give a backup id from list_backups; or "latest", with the service it is of as "source".',
    });
  }
  const source = args.source === undefined ? undefined : await findService(api, args.source, signal);
  const backup = await findBackup(api, given, source?.id ?? '', signal);
  refuseLogs(backup);
  const point_in_time = args.point_in_time === undefined ? undefined : exactMoment(args.point_in_time);
  return { target, service_id, tables, id: backup.id, point_in_time };
}

function refuseLogs({ id, type }: Backup): void {
  if (type !== 'binarylog') return;
  throw new SkybackupError('unsupported', `${id} holds binary logs, which cannot be restored by themselves.`, {
    hint: 'Restore a full, incremental or dump backup; binary logs only roll one forward.',
  });
}

function exactMoment(given: string): string {
  const moment = parsePointInTime(given.trim()) ?? readTime(given);
  if (moment !== undefined) return toPointInTime(moment);
  throw new SkybackupError('invalid_request', 'point_in_time is not a moment.', {
    hint: 'Give it as YYYY-MM-DD HH:MM:SS in UTC; ask the person for their time zone.',
  });
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
