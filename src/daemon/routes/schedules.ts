import type { FastifyInstance } from 'fastify';
import { SchedulePatch, ScheduleQuery, ScheduleRequest } from '../../contract/schedules.ts';
import type { Engine } from '../../engine/engine.ts';
import { askerOf, bodyOf, noBody, noQuery, numberOf, queryOf } from '../read-request.ts';

const base = '/skybackup/v1/backups/schedules';

export function scheduleRoutes(app: FastifyInstance, engine: Engine): void {
  app.get(base, { config: { right: 'read' } }, (request) => {
    const { items, count, pages } = engine.schedules.list(queryOf(request, ScheduleQuery));
    return { schedules: items, schedules_count: count, pages_count: pages };
  });

  app.post(base, { config: { right: 'operate', action: 'Creating a schedule' } }, (request) => {
    noQuery(request);
    return engine.schedules.create(bodyOf(request, ScheduleRequest));
  });

  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return engine.schedules.get(numberOf(request, 'schedule'));
  });

  // Whether a change takes protection away, and so needs a plan, is decided by the engine.
  app.patch(`${base}/:id`, { config: { right: 'operate', action: 'Changing a schedule' } }, (request) =>
    engine.schedules.update(numberOf(request, 'schedule'), bodyOf(request, SchedulePatch), askerOf(request)),
  );

  app.delete(`${base}/:id`, { config: { right: 'request', action: 'Deleting a schedule' } }, async (request) => {
    noBody(request);
    await engine.schedules.remove(numberOf(request, 'schedule'), askerOf(request));
    return {};
  });
}
