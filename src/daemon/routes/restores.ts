import type { FastifyInstance } from 'fastify';
import { RestoreLookupRequest, RestoreQuery, RestoreRequest } from '../../contract/restores.ts';
import type { Engine } from '../../engine/engine.ts';
import { askerOf, bodyOf, noBody, noQuery, numberOf, queryOf } from '../read-request.ts';

const base = '/skybackup/v1/restores';

export function restoreRoutes(app: FastifyInstance, engine: Engine): void {
  app.get(base, { config: { right: 'read' } }, (request) => {
    const { items, count, pages } = engine.restores.list(queryOf(request, RestoreQuery));
    return { restores: items, restores_count: count, pages_count: pages };
  });

  app.post(base, { config: { right: 'request', action: 'Starting a restore' } }, (request) => {
    noQuery(request);
    const body = bodyOf(request, RestoreRequest);
    return engine.restores.create(body, askerOf(request, body.plan_id));
  });

  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return engine.restores.get(numberOf(request, 'restore'));
  });

  app.delete(`${base}/:id`, { config: { right: 'request', action: 'Deleting a restore record' } }, async (request) => {
    noBody(request);
    await engine.restores.remove(numberOf(request, 'restore'), askerOf(request));
    return {};
  });

  app.post(`${base}/lookup`, { config: { right: 'read' } }, async (request) => {
    noQuery(request);
    const { backup_id, service_id } = bodyOf(request, RestoreLookupRequest);
    return { services: await engine.restores.lookupTargets(backup_id, service_id) };
  });

  // No service has a window before binary logs are archived: an empty list is the truth.
  app.get(`${base}/pointintime/lookup`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return { services: [] };
  });
}
