import { Job } from '../../contract/jobs.ts';
import type { Engine } from '../../engine/engine.ts';
import { numberOf } from '../read-request.ts';
import type { Api } from '../route-schemas.ts';

const base = '/skybackup/v1/jobs';

export function jobRoutes(app: Api, engine: Engine): void {
  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'How far a job is', response: { 200: Job } } },
    (request) => engine.jobs.get(numberOf(request, 'job')),
  );

  app.post(
    `${base}/:id/cancel`,
    {
      config: { right: 'operate', action: 'Cancelling a job' },
      schema: { summary: 'Ask a job to stop', response: { 200: Job } },
    },
    (request) => engine.jobs.cancel(numberOf(request, 'job')),
  );
}
