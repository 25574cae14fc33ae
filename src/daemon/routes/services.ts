import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PowerState, RegisterServiceRequest, ServiceQuery } from '../../contract/services.ts';
import type { Engine } from '../../engine/engine.ts';
import { demand } from '../auth/principal.ts';
import { askerOf, bodyOf, idOf, noBody, noQuery, principalOf, queryOf } from '../read-request.ts';

const base = '/provisioning/v1/services';

export function serviceRoutes(app: FastifyInstance, engine: Engine): void {
  app.get(base, { config: { right: 'read' } }, async (request, reply) => {
    const { page_size = 100, page_order = 'asc', page_token } = queryOf(request, ServiceQuery);
    const all = await engine.services.list();
    const ordered = page_order === 'asc' ? all : all.reverse();
    const after = page_token === undefined ? 0 : ordered.findIndex(({ id }) => id === page_token) + 1;
    const page = ordered.slice(after, after + page_size);
    const last = page.at(-1);
    if (last !== undefined && after + page_size < ordered.length) {
      void reply.header('x-skysql-page-token-next', last.id);
    }
    return page;
  });

  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return engine.services.get(idOf(request));
  });

  app.post(base, { config: { right: 'administer', action: 'Registering a service' } }, (request) => {
    noQuery(request);
    return engine.services.register(bodyOf(request, RegisterServiceRequest));
  });

  app.delete(`${base}/:id`, { config: { right: 'administer', action: 'Forgetting a service' } }, async (request) => {
    noQuery(request);
    noBody(request);
    await engine.services.forget(idOf(request));
    return {};
  });

  const starting = { config: { right: 'operate', action: 'Starting a service' } } as const;
  const stopping = { config: { right: 'request', action: 'Stopping a service' } } as const;
  const start = (request: FastifyRequest) => engine.services.setPower(idOf(request), true, askerOf(request));
  const stop = (request: FastifyRequest) => engine.services.setPower(idOf(request), false, askerOf(request));

  app.post(`${base}/:id/power`, starting, (request) => {
    if (bodyOf(request, PowerState).is_active) return start(request);
    // One path for both directions: switching off asks for more.
    demand(principalOf(request), stopping.config.right, stopping.config.action);
    return stop(request);
  });
  app.post(`${base}/:id/start`, starting, (request) => {
    noBody(request);
    return start(request);
  });
  app.post(`${base}/:id/stop`, stopping, (request) => {
    noBody(request);
    return stop(request);
  });
}
