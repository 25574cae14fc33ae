import { z } from 'zod';
import type { AppOptions } from '../app.ts';
import type { Api } from '../route-schemas.ts';

/** For Prometheus: on the socket its file's permissions are enough, over the network it takes a key that may read. */
export function metricsRoute(app: Api, { metrics, transport }: Pick<AppOptions, 'metrics' | 'transport'>): void {
  app.get(
    '/metrics',
    {
      config: { right: transport.kind === 'socket' ? 'public' : 'read' },
      schema: { summary: 'Metrics in the text format of Prometheus', response: { 200: z.string() } },
      // Text as it is: the daemon's other answers are JSON.
      serializerCompiler: () => (text) => text,
    },
    async (_request, reply) => {
      void reply.type(metrics.contentType);
      return metrics.scrape();
    },
  );
}
