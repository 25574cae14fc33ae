import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { openApiDocument } from '../openapi.ts';
import type { Api } from '../route-schemas.ts';

/** Of the routes that `routes` holds once the application is ready. */
export function openApiRoute(app: Api, routes: readonly RouteOptions[], version: string): void {
  let document: Record<string, unknown> | undefined;
  app.get(
    '/skybackup/v1/openapi.json',
    {
      config: { right: 'public' },
      schema: { summary: 'This document', response: { 200: z.looseObject({ openapi: z.string() }) } },
    },
    () => {
      document ??= openApiDocument(routes, version);
      return { openapi: '3.1.0', ...document };
    },
  );
}
