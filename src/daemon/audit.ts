import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { claimedClientHeader } from '../contract/claimed-client.ts';
import type { Engine } from '../engine/engine.ts';
import { outwardText } from '../mcp/outward.ts';

/**
 * What of a request may stand in the audit. Whatever else it carries (passwords, credentials, keys, what a person typed, and
 * what is added one day without a thought of this list) is left out.
 */
const mayStand = new Set([
  ...['service_id', 'id', 'name', 'backup_id', 'target', 'tables', 'nightly', 'external_source', 'bucket', 'method'],
  ...['point_in_time', 'gtid', 'before_gtid', 'keep_account', 'safety_dump', 'operation', 'arguments', 'channel'],
  ...[
    'backup_type',
    'schedule',
    'suspended',
    'storage',
    'is_active',
    'role',
    'requested_by',
    'until',
    'reason',
    'data',
  ],
  ...['keep_last', 'daily', 'weekly', 'monthly', 'yearly', 'max_age', 'max_size', 'recovery_window'],
  ...['path', 'default_for', 'limit', 'recipients', 'object_lock', 'mode', 'days'],
  ...['control', 'kind', 'unit', 'connection', 'host', 'port', 'socket', 'user', 'datadir'],
]);
const longest = 200;
const most = 20;

/** Who asked for a change, what for and what became of it; undefined for what the log alone tells of. */
export function auditRecord(request: FastifyRequest, reply: FastifyReply, engine: Engine) {
  const { action } = request.routeOptions.config;
  const { principal, refusal } = request;
  // Strangers, and those who ask too often, could fill the disk by it.
  if (action === undefined || principal === undefined || reply.statusCode === 429) return undefined;
  const asked = { ...record(request.query), ...record(request.body) };
  // It only looked.
  if (asked.dry_run === true && reply.statusCode < 400) return undefined;
  const params = record(request.params);
  const plan = planOf(engine, request.plan ?? asked.plan_id ?? (isAboutPlan(request) ? params.id : undefined));
  const named = asked.service_id ?? plan?.facts.service_id ?? asked.id ?? asked.name ?? '';
  return {
    principal: principal.id,
    action,
    target: shown(String(Object.values(params).join('/') || named)),
    outcome: reply.statusCode < 400 ? 'done' : reply.statusCode < 500 ? 'refused' : 'failed',
    detail: {
      role: principal.role,
      claimed_client: claimedClient(request),
      service: plan?.facts.service_id,
      asked: standing(asked),
      plan: plan?.code,
      channel: plan?.approved_by,
      plan_asked_by: plan && shown(plan.requested_by),
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      code: refusal,
    },
    trace_id: request.id,
  } as const;
}

function isAboutPlan(request: FastifyRequest): boolean {
  return request.routeOptions.url?.includes('/plans/') ?? false;
}

function planOf(engine: Engine, id: unknown) {
  if (typeof id !== 'string') return undefined;
  try {
    return engine.plans.get(id);
  } catch {
    return undefined;
  }
}

/** As it calls itself; nothing follows from it. */
function claimedClient({ headers }: FastifyRequest): string | undefined {
  const value = headers[claimedClientHeader];
  if (typeof value !== 'string') return undefined;
  try {
    return outwardText(decodeURIComponent(value.slice(0, 1000)), 80) || undefined;
  } catch {
    return undefined;
  }
}

function record(value: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).safeParse(value).data ?? {};
}

function standing(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return shown(value);
  if (Array.isArray(value)) return value.slice(0, most).map((item) => standing(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 3) return undefined;
  const members = Object.entries(value).filter(([name]) => mayStand.has(name));
  return Object.fromEntries(members.map(([name, member]) => [name, standing(member, depth + 1)]));
}

function shown(text: string): string {
  return outwardText(text, longest);
}
