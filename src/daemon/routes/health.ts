import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { contractRevision, Healthz } from '../../contract/health.ts';
import { Health, HealthQuery } from '../../contract/service-health.ts';
import type { AppOptions } from '../app.ts';
import type { Api } from '../route-schemas.ts';

export function healthRoutes(app: Api, daemon: AppOptions): void {
  const { engine, version, startedBy } = daemon;

  app.get(
    '/healthz',
    { config: { right: 'public' }, schema: { summary: 'Whether the daemon serves', response: { 200: Healthz } } },
    () => {
      const idle = engine.isIdle();
      const { instance } = engine;
      return { ok: true, version, contract: contractRevision, instance, pid: process.pid, idle, started_by: startedBy };
    },
  );

  app.get(
    '/skybackup/v1/health',
    {
      config: { right: 'read' },
      schema: {
        summary: 'How well services are covered by their backups',
        querystring: HealthQuery,
        response: { 200: Health },
      },
    },
    (request) => engine.health(request.query.service_id),
  );

  // A newer client makes room for its own daemon; over the network nobody has a use for that.
  if (daemon.transport.kind !== 'socket') return;
  app.post(
    '/skybackup/v1/drain',
    {
      config: { right: 'administer', action: 'Stopping the daemon' },
      schema: { summary: 'Stop an idle daemon', response: { 200: z.strictObject({ draining: z.literal(true) }) } },
    },
    (_request, reply) => {
      if (!engine.isIdle()) {
        throw new SkybackupError('conflict', 'The daemon is busy: a job runs, or a plan waits for its answer.');
      }
      reply.raw.once('finish', () => daemon.stop());
      return { draining: true } as const;
    },
  );
}
