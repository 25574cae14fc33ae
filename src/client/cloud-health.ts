import type { Backup, BackupQuery } from '../contract/backups.ts';
import { once } from '../contract/cron.ts';
import { restoredFrom } from '../contract/either-revision.ts';
import type { Restore, RestoreQuery } from '../contract/restores.ts';
import type { Schedule, ScheduleQuery } from '../contract/schedules.ts';
import type { Health } from '../contract/service-health.ts';
import type { Service } from '../contract/services.ts';
import { classifyStatus } from '../contract/status.ts';
import { readTime } from '../contract/time.ts';
import type { FailedRuns, GoodBackup, ProvenRestore, RunningBackup, ServiceFacts } from '../health/facts.ts';
import { atMost } from './at-most.ts';
import type { BackupApi, CallOptions } from './backup-api.ts';
import { listsAtOnce } from './walk-services.ts';

const pageSize = 100;
/** The cloud keeps seven days: what was owed before cannot be told from what has gone. */
const keptMs = 7 * 24 * 60 * 60_000;

interface Lists extends Pick<BackupApi, 'listServices' | 'getService' | 'listBackups' | 'clock'> {
  everyBackup(query: BackupQuery, options: CallOptions): Promise<Backup[]>;
  everySchedule(query: ScheduleQuery, options: CallOptions, services?: readonly Service[]): Promise<Schedule[]>;
  everyRestore(query: RestoreQuery, options: CallOptions, services?: readonly Service[]): Promise<Restore[]>;
}

/** The cloud tells nobody how well a service is covered: judged here, from what it lists, as a daemon judges its own. */
export async function cloudHealth(api: Lists, serviceId: string | undefined, options: CallOptions): Promise<Health> {
  const { assess } = await import('../health/assess.ts');
  const services =
    serviceId === undefined ? await api.listServices(options) : [await api.getService(serviceId, options)];
  const scope = serviceId === undefined ? {} : { service_id: services[0]?.id };
  const schedules = await api.everySchedule(scope, options, services);
  // A backup of one service may have been restored onto another.
  const all = serviceId === undefined ? services : undefined;
  const restores = await api.everyRestore({}, options, all);
  const backups = await backupsOf(api, services, options);
  const now = (await api.clock()).getTime();
  const proven = restores.flatMap((restore): (ProvenRestore & { source: string })[] => {
    const backup_id = restoredFrom(restore);
    const source = backup_id?.split(':')[1];
    if (backup_id === undefined || source === undefined || classifyStatus(restore.status) !== 'done') return [];
    return [
      { source, restore_id: restore.id, backup_id, onto: restore.service_id, at: moment(restore.created_at) ?? 0 },
    ];
  });

  const facts: ServiceFacts[] = [];
  for (const service of services) {
    const own = schedules.filter((each) => each.service_id === service.id && each.schedule !== once);
    const newest = proven.filter(({ source }) => source === service.id).sort((a, b) => b.at - a.at)[0];
    const taken = backups.filter((each) => each.service_id === service.id);
    facts.push(factsOf(service, taken, own, newest, now));
  }
  return assess(facts, now);
}

function factsOf(
  { id, name }: Service,
  backups: readonly Backup[],
  schedules: readonly Schedule[],
  restore: (ProvenRestore & { source: string }) | undefined,
  now: number,
): ServiceFacts {
  const timed = backups
    .map((backup) => ({ backup, type: typeOf(backup), started: startOf(backup) }))
    .sort((a, b) => b.started - a.started);
  const types = [...new Set(timed.map(({ type }) => type))];
  const good = types.flatMap((type): GoodBackup[] => {
    const found = timed.find((each) => each.type === type && classifyStatus(each.backup.status) === 'done');
    if (found === undefined) return [];
    const { backup, started } = found;
    const at = moment(backup.point_in_time) ?? started;
    const bytes = backup.storage_bytes ?? backup.backup_size;
    return [{ id: backup.id, type, at, started, ended: Math.max(started, moment(backup.end_time) ?? started), bytes }];
  });
  const failed = types.flatMap((type): FailedRuns[] => {
    const after = good.find((each) => each.type === type)?.started ?? Number.NEGATIVE_INFINITY;
    const runs = timed.filter(
      (each) => each.type === type && each.started > after && classifyStatus(each.backup.status) === 'failed',
    );
    const [newest] = runs;
    if (newest === undefined) return [];
    return [{ type, count: runs.length, at: newest.started, message: newest.backup.status }];
  });
  const running = timed
    .filter(({ backup }) => classifyStatus(backup.status) === 'in_progress')
    .map(({ type, started }): RunningBackup => ({ type, since: started }));
  const proven = restore && (({ source: _, ...rest }) => rest)(restore);
  return {
    id,
    name,
    good,
    failed,
    running,
    proven,
    schedules: schedules.map((schedule) => ({
      id: schedule.id,
      type: typeOf(schedule),
      cron: schedule.schedule,
      suspended: schedule.suspended ?? false,
      // When it was changed the cloud does not say: `updated_at` may move with every run, and would hide what is missing.
      owedFrom: Math.max(moment(schedule.created_at) ?? 0, now - keptMs),
      trouble: classifyStatus(schedule.status) === 'failed' ? (schedule.message ?? schedule.status) : undefined,
    })),
  };
}

/** In the fewer requests of two ways: all backups there are, or those of each service. */
async function backupsOf(api: Lists, services: readonly Service[], options: CallOptions): Promise<Backup[]> {
  if (services.length > 1) {
    const { count } = await api.listBackups({ order: 'desc', page: 1, page_size: pageSize }, options);
    if (count <= services.length * pageSize) return api.everyBackup({}, options);
  }
  const each = await atMost(listsAtOnce, services, ({ id }) => api.everyBackup({ service_id: id }, options));
  return each.flat();
}

/** The list of types is open, and sentences are made with them: a word, or `unknown`. */
function typeOf({ type }: { type: string }): string {
  return /^[a-z_]{1,30}$/i.test(type) ? type : 'unknown';
}

function startOf({ start_time, point_in_time }: Backup): number {
  return moment(start_time) ?? moment(point_in_time) ?? 0;
}

function moment(time: string | undefined): number | undefined {
  return readTime(time)?.getTime();
}
