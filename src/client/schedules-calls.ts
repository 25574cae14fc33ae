import { serviceIdOf } from '../contract/ids.ts';
import { Schedule, type ScheduleQuery } from '../contract/schedules.ts';
import type { BackupApi, Provider } from './backup-api.ts';
import type { Http } from './http.ts';
import { bounds, segment } from './http-call.ts';
import { pageOf } from './paging.ts';
import { readList, readOne } from './read-answer.ts';
import { walkServices } from './walk-services.ts';

const base = '/skybackup/v1/backups/schedules';

type SchedulesCalls = Pick<
  BackupApi,
  'listSchedules' | 'getSchedule' | 'createSchedule' | 'updateSchedule' | 'deleteSchedule'
>;

/** The schedules part of the Backup API. */
export function schedulesCalls(
  http: Http,
  kind: Provider['kind'],
  listServices: BackupApi['listServices'],
): SchedulesCalls {
  const list = walkServices<ScheduleQuery, Schedule>(kind, listServices, async (query, options) => {
    const answer = await http.request({ method: 'GET', path: base, query, ...bounds(options) });
    return pageOf(readList(Schedule, answer.body, 'schedules', 'schedule'), query);
  });
  const read = (body: unknown): Schedule => readOne(Schedule, body, 'schedules', 'schedule');

  return {
    async listSchedules(query = {}, options = {}) {
      const { service_id } = query;
      return list(service_id === undefined ? query : { ...query, service_id: serviceIdOf(service_id) }, options);
    },
    async getSchedule(id, options = {}) {
      return read((await http.request({ method: 'GET', path: `${base}/${segment(id)}`, ...bounds(options) })).body);
    },
    async createSchedule(request, options = {}) {
      const body = { ...request, service_id: serviceIdOf(request.service_id) };
      const query = { plan_id: options.planId };
      return read((await http.request({ method: 'POST', path: base, query, body, ...bounds(options) })).body);
    },
    async updateSchedule(id, patch, options = {}) {
      const query = { plan_id: options.planId };
      const path = `${base}/${segment(id)}`;
      const answer = await http.request({ method: 'PATCH', path, query, body: patch, ...bounds(options) });
      if (answer.body !== undefined) return read(answer.body);
      // It said yes without showing the outcome.
      return read((await http.request({ method: 'GET', path, ...bounds(options) })).body);
    },
    async deleteSchedule(id, options = {}) {
      const query = { plan_id: options.planId };
      await http.request({ method: 'DELETE', path: `${base}/${segment(id)}`, query, ...bounds(options) });
    },
  };
}
