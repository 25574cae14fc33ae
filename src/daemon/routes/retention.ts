import { Retention, RetentionPolicy, RetentionQuery } from '../../contract/retention.ts';
import type { Engine } from '../../engine/engine.ts';
import { askerOf, idOf } from '../read-request.ts';
import { type Api, PlanQuery } from '../route-schemas.ts';

const path = '/skybackup/v1/services/:id/retention';

export function retentionRoutes(app: Api, engine: Engine): void {
  app.get(
    path,
    {
      config: { right: 'read' },
      schema: {
        summary: "What is kept of a service's backups; with dry_run what a pass would delete now, and why",
        querystring: RetentionQuery,
        response: { 200: Retention },
      },
    },
    (request) => engine.retention.get(idOf(request), request.query.dry_run ?? false),
  );

  // Whether a change keeps less, and so needs a plan, is decided by the engine.
  app.put(
    path,
    {
      config: { right: 'operate', action: 'Changing a retention' },
      schema: {
        summary: 'Set the whole policy of a service; with dry_run only tell what it would delete',
        querystring: RetentionQuery.extend(PlanQuery.shape),
        body: RetentionPolicy,
        response: { 200: Retention },
      },
    },
    (request) => {
      const { dry_run, plan_id } = request.query;
      return dry_run
        ? engine.retention.tryOut(idOf(request), request.body)
        : engine.retention.set(idOf(request), request.body, askerOf(request, plan_id));
    },
  );
}
