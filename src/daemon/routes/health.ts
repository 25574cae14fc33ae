import type { FastifyInstance } from 'fastify';
import { SkybackupError } from '../../contract/errors.ts';
import { contractRevision, type Healthz } from '../../contract/health.ts';
import type { AppOptions } from '../app.ts';
import { noBody } from '../read-request.ts';

export function healthRoutes(app: FastifyInstance, daemon: AppOptions): void {
  const { engine, version, startedBy } = daemon;

  app.get('/healthz', { config: { right: 'public' } }, (): Healthz => {
    const idle = engine.isIdle();
    const { instance } = engine;
    return { ok: true, version, contract: contractRevision, instance, pid: process.pid, idle, started_by: startedBy };
  });

  // A newer client makes room for its own daemon; over the network nobody has a use for that.
  if (daemon.transport.kind !== 'socket') return;
  app.post(
    '/skybackup/v1/drain',
    { config: { right: 'administer', action: 'Stopping the daemon' } },
    (request, reply) => {
      noBody(request);
      if (!engine.isIdle()) {
        throw new SkybackupError('conflict', 'The daemon is busy: a job runs, or a plan waits for its answer.');
      }
      reply.raw.once('finish', () => daemon.stop());
      return { draining: true };
    },
  );
}
