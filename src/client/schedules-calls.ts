import { serviceIdOf } from '../contract/ids.ts';
import { Schedule, type ScheduleQuery } from '../contract/schedules.ts';
import type { Service } from '../contract/services.ts';
import { toRfc3339 } from '../contract/time.ts';
import type { BackupApi, CallOptions, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { createOnce, readOutcome } from './lost-answer.ts';
import { pageOf } from './paging.ts';
import { type ReadList, readList, readOne } from './read-answer.ts';
import { walkServices } from './walk-services.ts';

const base = '/skybackup/v1/backups/schedules';

type SchedulesCalls = Pick<
  BackupApi,
  'listSchedules' | 'getSchedule' | 'createSchedule' | 'updateSchedule' | 'deleteSchedule'
> & { everySchedule(query: ScheduleQuery, options: CallOptions, services?: readonly Service[]): Promise<Schedule[]> };

/** The schedules part of the Backup API. */
export function schedulesCalls(
  http: Http,
  kind: Provider['kind'],
  listServices: BackupApi['listServices'],
): SchedulesCalls {
  const fetch = async (query: ScheduleQuery, options: CallOptions): Promise<ReadList<Schedule>> => {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    return readList(Schedule, answer.body, 'schedules', 'schedule');
  };
  const lists = walkServices<ScheduleQuery, Schedule>(listServices, fetch);
  const read = (body: unknown): Schedule => readOne(Schedule, body, 'schedules', 'schedule');

  return {
    async listSchedules(query = {}, options = {}) {
      const { service_id } = query;
      const named = service_id === undefined ? query : { ...query, service_id: serviceIdOf(service_id) };
      return kind === 'daemon' ? pageOf(await fetch(named, options), named) : lists.page(named, options);
    },
    everySchedule: lists.every,
    async getSchedule(id, options = {}) {
      return read((await http.request({ method: 'GET', path: `${base}/${segment(id)}`, ...bounds(options) })).body);
    },
    async createSchedule(request, options = {}) {
      const body = { ...request, service_id: serviceIdOf(request.service_id) };
      const { service_id, schedule, backup_type } = body;
      const post = async (): Promise<Schedule> => {
        const query = { plan_id: options.planId };
        const answer = await http.request({ method: 'POST', path: base, query, body, ...bounds(options) });
        const itsNow = new Date(answer.header('date') ?? '');
        const made = readOutcome(read, answer.body);
        return Number.isNaN(itsNow.getTime()) ? made : { ...made, accepted_at: toRfc3339(itsNow) };
      };
      if (kind === 'daemon') return post();
      return createOnce(
        {
          thing: 'schedule',
          list: async (bounded) =>
            (await lists.page({ service_id, order: 'desc', page: 1, page_size: 100 }, bounded)).items,
          isIt: (made) => made.schedule === schedule && made.type.toLowerCase() === backup_type,
          post,
        },
        options,
      );
    },
    async updateSchedule(id, patch, options = {}) {
      const query = { plan_id: options.planId };
      const path = `${base}/${segment(id)}`;
      const answer = await http.request({ method: 'PATCH', path, query, body: patch, ...bounds(options) });
      if (answer.body !== undefined) return readOutcome(read, answer.body);
      // It said yes without showing the outcome.
      return read((await http.request({ method: 'GET', path, ...bounds(options) })).body);
    },
    async deleteSchedule(id, options = {}) {
      const query = { plan_id: options.planId };
      await http.request({ method: 'DELETE', path: `${base}/${segment(id)}`, query, ...bounds(options) });
    },
  };
}
