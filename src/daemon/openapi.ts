import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import { Backup } from '../contract/backups.ts';
import { ErrorBody } from '../contract/error-body.ts';
import { Job } from '../contract/jobs.ts';
import { Plan } from '../contract/plans.ts';
import { Restore } from '../contract/restores.ts';
import { Schedule } from '../contract/schedules.ts';
import { Service } from '../contract/services.ts';
import { roleFor } from './auth/roles.ts';

/** Shapes that several answers share, by the name they have in the document. */
const shared = { Backup, Schedule, Restore, Service, Job, Plan, Error: ErrorBody };

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the routes that are served, from the very schemas that check their requests. */
export function openApiDocument(routes: readonly RouteOptions[], version: string): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(shared)) registry.add(schema, { id });
  const refer = (schema: z.ZodType, name: string): Json => {
    if (!registry.has(schema)) registry.add(schema, { id: name });
    return { $ref: reference(registry.get(schema)?.id ?? name) };
  };

  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const method = String(route.method).toLowerCase();
    if (method === 'head') continue;
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [method]: operation(route, method, refer) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'skybackup daemon',
      version,
      description: 'The Backup API of a skybackup daemon. Times are UTC. Refusals carry the body of the Error schema.',
    },
    paths,
    components: {
      // `input`: what the daemon may be sent, and what its answers are before a client reads them.
      schemas: schemasOf(registry),
      responses: {
        Error: { description: 'Refused or failed: what happened, and what to do next.', content: errorContent },
        TooManyRequests: {
          description: 'The key has used up its requests of this minute.',
          headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } },
          content: errorContent,
        },
      },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    security: [{ apiKey: [] }, { bearer: [] }],
  };
}

const errorContent = { 'application/json': { schema: { $ref: reference('Error') } } };

type Refer = (schema: z.ZodType, name: string) => Json;

function operation(route: RouteOptions, method: string, refer: Refer): Json {
  const { schema = {}, config } = route;
  const operationId = operationName(method, route.url);
  const shape = operationId.charAt(0).toUpperCase() + operationId.slice(1);
  const right = config?.right ?? 'administer';
  const body = schema.body instanceof z.ZodType ? schema.body : undefined;
  return {
    operationId,
    summary: schema.summary,
    ...(right === 'public' ? { security: [] } : { 'x-role': roleFor(right) }),
    parameters: [...pathParameters(route.url), ...queryParameters(schema.querystring)],
    ...(body === undefined || isEmpty(body)
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: refer(body, `${shape}Request`) } },
          },
        }),
    responses: {
      200: { description: 'Done.', content: answerContent(schema.response, `${shape}Answer`, refer) },
      ...(right === 'public' ? {} : { 429: { $ref: '#/components/responses/TooManyRequests' } }),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

const Answers = z.object({
  200: z.union([
    z.instanceof(z.ZodType),
    z.object({ content: z.record(z.string(), z.object({ schema: z.instanceof(z.ZodType) })) }),
  ]),
});

function answerContent(response: unknown, name: string, refer: Refer): Json {
  const answer = Answers.parse(response)[200];
  const content = answer instanceof z.ZodType ? { 'application/json': { schema: answer } } : answer.content;
  return Object.fromEntries(
    Object.entries(content).map(([type, { schema }]) => [type, { schema: refer(schema, name) }]),
  );
}

function pathParameters(url: string): Json[] {
  return [...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: unknown): Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(z.record(z.string(), z.instanceof(z.ZodType)).parse(query.shape)).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.isOptional(),
    schema: plain(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })),
  }));
}

function isEmpty(body: z.ZodType): boolean {
  return body.isOptional();
}

function schemasOf(registry: z.core.$ZodRegistry<{ id: string }>): Json {
  const { schemas } = z.toJSONSchema(registry, { io: 'input', unrepresentable: 'any', uri: reference });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
}

/** Without what names a document of its own: it is part of this one. */
function plain(schema: object): Json {
  const { $schema: _, $id: __, ...rest } = schema as Json;
  return rest;
}

function reference(id: string): string {
  return `#/components/schemas/${id}`;
}

/** `post /skybackup/v1/plans/:id/ask` → `postPlansIdAsk`. */
function operationName(method: string, url: string): string {
  const words = url
    .replace(/^\/(skybackup|provisioning)\/v1/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
