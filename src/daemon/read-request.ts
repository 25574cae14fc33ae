import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SkybackupError } from '../contract/errors.ts';
import { parseRequest } from '../contract/parse-request.ts';
import type { Asker } from '../engine/engine-context.ts';
import type { Principal } from './auth/principal.ts';

const Nothing = z.strictObject({});
const PlanQuery = z.strictObject({ plan_id: z.string().min(1).max(100).optional() });
const IdParameter = z.object({ id: z.string() });

export function bodyOf<S extends z.ZodType>(request: FastifyRequest, schema: S): z.infer<S> {
  return parseRequest(schema, request.body, 'request body');
}

/** For requests that need none: nothing, or an empty object. */
export function noBody(request: FastifyRequest): void {
  if (request.body !== undefined && request.body !== null) parseRequest(Nothing, request.body, 'request body');
}

export function queryOf<S extends z.ZodType>(request: FastifyRequest, schema: S): z.infer<S> {
  return parseRequest(schema, request.query, 'query');
}

export function noQuery(request: FastifyRequest): void {
  parseRequest(Nothing, request.query, 'query');
}

export function idOf(request: FastifyRequest): string {
  return IdParameter.parse(request.params).id;
}

/** An id of another kind names nothing here: it is unknown, not malformed. */
export function numberOf(request: FastifyRequest, kind: string): number {
  const id = idOf(request);
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new SkybackupError('not_found', `There is no ${kind} "${id.slice(0, 100)}".`);
}

export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new SkybackupError('unauthorized', 'The request carries no API key.');
  return request.principal;
}

/** On whose behalf a destructive request is made; its plan travels in the query. */
export function askerOf(request: FastifyRequest, planId?: string): Asker {
  const { id, role } = principalOf(request);
  return { principal: id, role, planId: planId ?? queryOf(request, PlanQuery).plan_id };
}
