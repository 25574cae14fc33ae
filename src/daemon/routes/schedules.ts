import { Schedule, SchedulePatch, ScheduleQuery, ScheduleRequest, SchedulesPage } from '../../contract/schedules.ts';
import type { Engine } from '../../engine/engine.ts';
import { askerOf, numberOf } from '../read-request.ts';
import { type Api, Done, PlanQuery } from '../route-schemas.ts';

const base = '/skybackup/v1/backups/schedules';

export function scheduleRoutes(app: Api, engine: Engine): void {
  app.get(
    base,
    {
      config: { right: 'read' },
      schema: { summary: 'List schedules', querystring: ScheduleQuery, response: { 200: SchedulesPage } },
    },
    (request) => {
      const { items, count, pages } = engine.schedules.list(request.query);
      return { schedules: items, schedules_count: count, pages_count: pages };
    },
  );

  app.post(
    base,
    {
      config: { right: 'operate', action: 'Creating a schedule' },
      schema: {
        summary: 'Take a backup now ("once"), or by cron',
        querystring: PlanQuery,
        body: ScheduleRequest,
        response: { 200: Schedule },
      },
    },
    (request) => engine.schedules.create(request.body, askerOf(request, request.query.plan_id)),
  );

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One schedule', response: { 200: Schedule } } },
    (request) => engine.schedules.get(numberOf(request, 'schedule')),
  );

  // Whether a change takes protection away, and so needs a plan, is decided by the engine.
  app.patch(
    `${base}/:id`,
    {
      config: { right: 'operate', action: 'Changing a schedule' },
      schema: {
        summary: 'Change, suspend or resume a schedule',
        querystring: PlanQuery,
        body: SchedulePatch,
        response: { 200: Schedule },
      },
    },
    (request) =>
      engine.schedules.update(numberOf(request, 'schedule'), request.body, askerOf(request, request.query.plan_id)),
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'request', action: 'Deleting a schedule' },
      schema: { summary: 'Delete a schedule', querystring: PlanQuery, response: { 200: Done } },
    },
    async (request) => {
      await engine.schedules.remove(numberOf(request, 'schedule'), askerOf(request, request.query.plan_id));
      return {};
    },
  );
}
