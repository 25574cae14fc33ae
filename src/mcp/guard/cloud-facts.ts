import type { BackupApi } from '../../client/backup-api.ts';
import { restoredFrom } from '../../contract/either-revision.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { PlanFacts } from '../../contract/plans.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import { serviceLabel } from '../find/service.ts';
import { restoreRow } from '../rows.ts';
import { scheduleInWords } from '../schedule/words.ts';
import { quoteText } from '../untrusted-text.ts';
import { cloudRestoreFacts } from './cloud-restore-facts.ts';
import type { PlannedRequest } from './planner.ts';

export interface GatheredFacts {
  facts: PlanFacts;
  /** Changes when the target does: identity, status, last backup, running work. */
  targetDigest: string;
  /** Why no plan is to be made now; a plan that exists already is carried out all the same. */
  refusal?: SkybackupError | undefined;
}

/** What a person must know about a destructive request to the cloud, and the state of its target, both freshly read. */
export async function gatherCloudFacts(
  api: BackupApi,
  request: PlannedRequest,
  signal: AbortSignal,
): Promise<GatheredFacts> {
  switch (request.operation) {
    case 'restore_backup':
      return cloudRestoreFacts(api, request.arguments, signal);
    case 'delete_schedule':
    case 'update_schedule':
      return scheduleFacts(api, request, signal);
    case 'create_schedule':
      return storageFacts(api, request.arguments, signal);
    case 'delete_restore':
      return restoreRecordFacts(api, Number(request.arguments.id), signal);
    case 'stop_service':
      return stopFacts(api, String(request.arguments.service_id), signal);
    default:
      throw new SkybackupError('unsupported', `${request.operation} is not offered for the cloud.`);
  }
}

async function scheduleFacts(api: BackupApi, request: PlannedRequest, signal: AbortSignal): Promise<GatheredFacts> {
  const { id, ...change } = request.arguments;
  const schedule = await api.getSchedule(Number(id), { signal });
  const { service_id, type, suspended = false } = schedule;
  const service = await api.getService(service_id, { signal });
  const { items } = await api.listSchedules({ service_id, page_size: 100 }, { signal });
  const others = items.filter(
    (other) =>
      other.service_id === service_id && other.id !== schedule.id && other.schedule !== 'once' && !other.suspended,
  );
  const { words } = await scheduleInWords(schedule.schedule, 1);
  const what = `schedule ${schedule.id} of service ${serviceLabel(service)}: ${quoteText(type)}, ${words}`;
  const lost =
    request.operation === 'delete_schedule' ? ['No backup is taken by this schedule any more.'] : await weakening();

  async function weakening(): Promise<string[]> {
    const [{ weakened }, { SchedulePatch }] = await Promise.all([
      import('../../plans/schedule-effect.ts'),
      import('../../contract/schedules.ts'),
    ]);
    return weakened(schedule, SchedulePatch.parse(change));
  }

  const facts: PlanFacts = {
    title: request.operation === 'delete_schedule' ? `Delete ${what}` : `Change ${what}: ${changeInWords(change)}`,
    service_id,
    confirm_id: String(schedule.id),
    lost,
    warnings:
      others.length > 0
        ? []
        : [
            `No other active schedule backs up ${service_id}. The cloud deletes backups after 7 days: then none is left.`,
          ],
    undo: 'Make or change the schedule again. Backups that it took stay their 7 days.',
  };
  return {
    facts,
    targetDigest: digestOf({
      schedule: schedule.schedule,
      id,
      service_id,
      type,
      suspended,
      service_status: service.status,
    }),
  };
}

/** Backups to a bucket that is new to a service: whoever can read there can read all of its data from then on. */
async function storageFacts(
  api: BackupApi,
  { service_id, backup_type, schedule, storage }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<GatheredFacts> {
  const service = await api.getService(String(service_id), { signal });
  const found = (await api.listStorages({ signal })).find(({ name }) => name === storage);
  if (found === undefined) throw new SkybackupError('not_found', `There is no storage ${quoteText(String(storage))}.`);
  const place = quoteText(found.path, 1024);
  const when = schedule === 'once' ? 'now' : `by "${quoteText(String(schedule))}" (UTC)`;
  return {
    facts: {
      title: `Send backups of service ${serviceLabel(service)} to storage ${found.name} for the first time (${quoteText(String(backup_type))}, ${when})`,
      service_id: service.id,
      confirm_id: service.id,
      replaced_by: `${found.name}: ${place}`,
      lost: [
        `Whoever can read ${place} can read all data of ${service.id} from then on.`,
        'The cloud gets the credentials of the bucket with the schedule, and keeps them as long as it keeps that.',
      ],
      warnings: [],
      undo: 'Delete the schedule, and in the bucket what it has written. What was read there meanwhile cannot be taken back.',
    },
    targetDigest: digestOf({
      id: service.id,
      status: service.status,
      storage: found.name,
      path: found.path,
      added_at: found.added_at,
    }),
  };
}

/** The record alone: no data are touched. */
async function restoreRecordFacts(api: BackupApi, id: number, signal: AbortSignal): Promise<GatheredFacts> {
  const restore = await api.getRestore(id, { signal });
  const { service_id, status } = restore;
  return {
    facts: {
      title: `Delete the record of restore ${id} of service ${quoteText(service_id, 80)}`,
      service_id,
      confirm_id: String(id),
      replaced: restoreRow(restore).text,
      lost: ['The history of this restore: which backup it brought, and when.'],
      warnings: [],
      undo: 'The record cannot be brought back. No data of the service are touched.',
    },
    targetDigest: digestOf({ id, service_id, status, backup: restoredFrom(restore) }),
  };
}

async function stopFacts(api: BackupApi, id: string, signal: AbortSignal): Promise<GatheredFacts> {
  const service = await api.getService(id, { signal });
  return {
    facts: {
      title: `Stop service ${serviceLabel(service)}`,
      service_id: service.id,
      confirm_id: service.id,
      expected_downtime: 'until it is started again',
      lost: [`Clients of ${service.id} lose their connections, and transactions that are open are rolled back.`],
      warnings: ['Its scheduled backups may fail while it is stopped, and backups are kept 7 days.'],
      undo: `Start service ${service.id} again (start_service). No data are changed.`,
    },
    targetDigest: digestOf({ id: service.id, status: service.status, active: service.is_active }),
  };
}

function changeInWords(change: Record<string, unknown>): string {
  return Object.entries(change)
    .map(([name, value]) => `${name} = ${String(value)}`)
    .join(', ');
}
