import type { FastifyInstance } from 'fastify';
import type { Engine } from '../../engine/engine.ts';
import { noBody, noQuery, numberOf } from '../read-request.ts';

const base = '/skybackup/v1/jobs';

export function jobRoutes(app: FastifyInstance, engine: Engine): void {
  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return engine.jobs.get(numberOf(request, 'job'));
  });

  app.post(`${base}/:id/cancel`, { config: { right: 'operate', action: 'Cancelling a job' } }, (request) => {
    noQuery(request);
    noBody(request);
    return engine.jobs.cancel(numberOf(request, 'job'));
  });
}
