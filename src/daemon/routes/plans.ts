import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { type Plan, PlanApproval, PlanRequest } from '../../contract/plans.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Principal } from '../auth/principal.ts';
import { bodyOf, idOf, noBody, noQuery, principalOf } from '../read-request.ts';

const base = '/skybackup/v1/plans';
const Decline = z.strictObject({ reason: z.enum(['declined', 'cancelled']) });

/** What `strict` promises: the yes came with a key, and not with the one that asked. */
function demandOtherKey(plan: Plan, { id }: Principal): void {
  const own = plan.requested_by === id || plan.requested_by.endsWith(`(${id})`);
  if (id.startsWith('key:') && !own) return;
  throw new SkybackupError('forbidden', `Plan ${plan.code} must be approved with a key other than the asker's.`, {
    hint: 'Approve it with an administrator key of another person.',
  });
}

export function planRoutes(app: FastifyInstance, engine: Engine): void {
  app.post(base, { config: { right: 'request', action: 'Making a plan' } }, (request) => {
    noQuery(request);
    return engine.plans.create(bodyOf(request, PlanRequest), principalOf(request).id);
  });

  app.get(base, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return { plans: engine.plans.list() };
  });

  app.get(`${base}/:id`, { config: { right: 'read' } }, (request) => {
    noQuery(request);
    return engine.plans.get(idOf(request));
  });

  app.post(`${base}/:id/ask`, { config: { right: 'request', action: 'Asking about a plan' } }, (request) => {
    noBody(request);
    return { nonce: engine.plans.ask(idOf(request)) };
  });

  app.post(`${base}/:id/approve`, { config: { right: 'administer', action: 'Approving a plan' } }, (request) => {
    const approval = bodyOf(request, PlanApproval);
    if (approval.channel === 'approver_key') demandOtherKey(engine.plans.get(idOf(request)), principalOf(request));
    return engine.plans.approve(idOf(request), approval);
  });

  app.post(`${base}/:id/decline`, { config: { right: 'request', action: 'Declining a plan' } }, (request) =>
    engine.plans.decline(idOf(request), bodyOf(request, Decline).reason),
  );
}
