import type { Backup } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Schedule } from '../../contract/schedules.ts';
import { classifyStatus } from '../../contract/status.ts';
import { readTime } from '../../contract/time.ts';
import type { Call } from '../context.ts';
import { backupRow } from '../rows.ts';
import { quoteText } from '../untrusted-text.ts';
import type { Followed } from './followed.ts';
import { followJob } from './job.ts';
import { earliestStart } from './started-backup.ts';

/** The backup that a one-time schedule makes: by its job where there is one, else found by service, type and start time. */
export async function followBackup(scheduleId: number, since: Date | undefined, call: Call): Promise<Followed> {
  const { api, signal } = call;
  const schedule = await api.getSchedule(scheduleId, { signal });
  if (schedule.schedule !== 'once') {
    throw new SkybackupError('invalid_request', `Schedule ${scheduleId} is a regular one: it does not end.`, {
      hint: 'See its backups with list_backups. wait_for takes the id that create_backup gave.',
    });
  }
  if (schedule.job_id !== undefined && api.daemon !== undefined) return followJob(schedule.job_id, call);

  const backup = await backupOf(schedule, since, call);
  const status = backup?.status ?? schedule.status;
  // A schedule may say it succeeded before its backup is listed: it has ended only when there is something to show.
  const outcome = backup === undefined && classifyStatus(status) === 'done' ? 'in_progress' : classifyStatus(status);
  const message = `backup of ${schedule.service_id} (schedule ${schedule.id}): ${quoteText(status)}`;
  const data = { schedule_id: schedule.id, service_id: schedule.service_id, status, backup_id: backup?.id };
  return { outcome, message, data, ended: async () => ended(schedule, backup, data) };
}

async function backupOf(
  schedule: Schedule,
  since: Date | undefined,
  { api, signal }: Call,
): Promise<Backup | undefined> {
  const scope = { service_id: schedule.service_id, order: 'desc' } as const;
  const earliest = earliestStart(schedule, since);
  const isKnown = earliest > Number.NEGATIVE_INFINITY;
  const started = (backup: Backup): number => readTime(backup.start_time)?.getTime() ?? Number.NEGATIVE_INFINITY;
  const first = (backups: Backup[]): Backup | undefined => {
    const possible = backups.filter((backup) => backup.type === schedule.type && started(backup) >= earliest);
    // The first that began after the request; without a known moment the newest is the best there is.
    return possible.sort((a, b) => (isKnown ? started(a) - started(b) : started(b) - started(a)))[0];
  };
  const { items, count } = await api.listBackups({ ...scope, page: 1, page_size: 100 }, { signal });
  const reaches = !isKnown || items.length >= count || items.some((backup) => started(backup) < earliest);
  if (reaches) return first(items);
  // It lies further back than a page: somebody asks long after it ended.
  const { type } = schedule;
  const pages = async (page: number): Promise<Backup[]> => {
    const part = await api.listBackups({ ...scope, type, page, page_size: 1000 }, { signal });
    return page < part.pages ? [...part.items, ...(await pages(page + 1))] : part.items;
  };
  return first(await pages(1));
}

function ended(schedule: Schedule, backup: Backup | undefined, data: Record<string, unknown>) {
  if (backup === undefined || classifyStatus(backup.status) === 'failed') {
    return {
      text: [`The backup of ${schedule.service_id} failed: ${quoteText(schedule.message ?? schedule.status, 400)}.`],
      data,
      next: 'Look at the service with list_services, mend the reason, then call create_backup again.',
    };
  }
  const row = backupRow(backup);
  return {
    text: ['The backup is finished (found by service, type and start time: the cloud keeps no link):', row.text],
    data: { ...data, backup: row.data },
    next: `The cloud keeps it 7 days${backup.type === 'snapshot' ? ', but a snapshot dies with its service' : ''}, and nothing deletes it earlier. restore_backup with backup "${backup.id}" would restore it, if the person wants that.`,
  };
}
