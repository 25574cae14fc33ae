import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchemaCompiler,
  FastifySerializerCompiler,
  FastifyTypeProvider,
  RawServerDefault,
  RouteOptions,
} from 'fastify';
import { z } from 'zod';
import { parseRequest } from '../contract/parse-request.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** What the request does, in a few words: for the OpenAPI document. */
    summary?: string;
    /** No request of the Backup API: that document does not have it. */
    hide?: true;
  }
}

/** A route's zod schemas are what types its handler. */
interface ZodTypes extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

/** The application as routes see it: schemas are zod's, declared once, used to validate, to type and to document. */
export type Api = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypes>;

const nothing = z.strictObject({});
/** An empty body and an empty object are the same. */
const noBody = nothing.nullish();

/** The answer of requests that only do something. */
export const Done = z.strictObject({});
/** The approved plan that a request without a body carries out. */
export const PlanQuery = z.strictObject({ plan_id: z.string().min(1).max(100).optional() });

/** Completes a route's declaration, and refuses one that says too little to be checked and documented. */
export function completeSchema(route: RouteOptions): void {
  const { schema, method, url } = route;
  const { response } = schema ?? {};
  if (schema?.summary === undefined || response === undefined) {
    throw new Error(`route ${String(method)} ${url} declares no schema with a summary and a response`);
  }
  // What a request may not carry is refused like everything unknown.
  schema.querystring ??= nothing;
  if (!['GET', 'HEAD'].includes(String(method))) schema.body ??= noBody;
}

const places: Record<string, string> = { body: 'request body', querystring: 'query' };

/** Reads a part of a request by its route's schema; refusals name each wrong or unknown field. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart = '' }) => {
  return (data: unknown) => {
    try {
      return { value: parseRequest(schema, data, places[httpPart] ?? httpPart) };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  };
};

/** Answers are typed by their schemas when they are written; sending them costs no second look. */
export const serializerCompiler: FastifySerializerCompiler<z.ZodType> = () => (data) => JSON.stringify(data);
