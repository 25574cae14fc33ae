import { z } from 'zod';
import { LockRequest, PowerState, RegisterServiceRequest, Service, ServiceQuery } from '../../contract/services.ts';
import type { Engine } from '../../engine/engine.ts';
import { demand } from '../auth/principal.ts';
import { askerOf, idOf, principalOf } from '../read-request.ts';
import { type Api, PlanQuery } from '../route-schemas.ts';

const base = '/provisioning/v1/services';

export function serviceRoutes(app: Api, engine: Engine): void {
  app.get(
    base,
    {
      config: { right: 'read' },
      schema: {
        summary: 'List services; the header X-SkySQL-Page-Token-Next leads to the next page',
        querystring: ServiceQuery,
        response: { 200: z.array(Service) },
      },
    },
    async (request, reply) => {
      const { services, next } = await engine.services.list(request.query);
      if (next !== undefined) void reply.header('x-skysql-page-token-next', next);
      return services;
    },
  );

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One service', response: { 200: Service } } },
    (request) => engine.services.get(idOf(request)),
  );

  app.post(
    base,
    {
      config: { right: 'administer', action: 'Registering a service' },
      schema: {
        summary: 'Register a MariaDB server, or make an empty one',
        body: RegisterServiceRequest,
        response: { 200: Service },
      },
    },
    (request) => engine.services.register(request.body),
  );

  app.delete(
    `${base}/:id`,
    {
      config: { right: 'administer', action: 'Forgetting a service' },
      schema: {
        summary: 'Take a server off the list; its backups stay, and its data unless they are managed and to be removed',
        querystring: z.strictObject({
          data: z.literal('remove').optional(),
          typed_id: z.string().max(300).optional(),
        }),
        response: { 200: z.strictObject({ job_id: z.int().optional() }) },
      },
    },
    async (request) => {
      const { data, typed_id } = request.query;
      if (data === 'remove') return { job_id: engine.services.remove(idOf(request), typed_id) };
      await engine.services.forget(idOf(request));
      return {};
    },
  );

  app.post(
    `${base}/:id/lock`,
    {
      config: { right: 'administer', action: 'Locking a service' },
      schema: {
        summary: 'Refuse every plan for a service, and so every tool; its backups go on',
        body: LockRequest,
        response: { 200: Service },
      },
    },
    (request) => engine.services.lock(idOf(request), request.body, principalOf(request).id),
  );
  app.delete(
    `${base}/:id/lock`,
    {
      config: { right: 'administer', action: 'Unlocking a service' },
      schema: { summary: 'End the lock of a service', response: { 200: Service } },
    },
    (request) => engine.services.unlock(idOf(request)),
  );

  const starting = { right: 'operate', action: 'Starting a service' } as const;
  const stopping = { right: 'request', action: 'Stopping a service' } as const;
  const planned = { querystring: PlanQuery, response: { 200: Service } };

  app.post(
    `${base}/:id/power`,
    { config: starting, schema: { summary: 'Start or stop a service', body: PowerState, ...planned } },
    (request) => {
      const { is_active } = request.body;
      // One path for both directions: switching off asks for more.
      if (!is_active) demand(principalOf(request), stopping.right, stopping.action);
      return engine.services.setPower(idOf(request), is_active, askerOf(request, request.query.plan_id));
    },
  );
  app.post(`${base}/:id/start`, { config: starting, schema: { summary: 'Start a service', ...planned } }, (request) =>
    engine.services.setPower(idOf(request), true, askerOf(request, request.query.plan_id)),
  );
  app.post(`${base}/:id/stop`, { config: stopping, schema: { summary: 'Stop a service', ...planned } }, (request) =>
    engine.services.setPower(idOf(request), false, askerOf(request, request.query.plan_id)),
  );
}
