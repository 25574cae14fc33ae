import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import { Plan, PlanApproval, PlanRequest, PlansPage } from '../../contract/plans.ts';
import type { Engine } from '../../engine/engine.ts';
import { demandForBucket, type Principal } from '../auth/principal.ts';
import { hasRight } from '../auth/roles.ts';
import { idOf, principalOf } from '../read-request.ts';
import type { Api } from '../route-schemas.ts';

const base = '/skybackup/v1/plans';
const Decline = z.strictObject({ reason: z.enum(['declined', 'cancelled']) });
const Asking = z.strictObject({ nonce: z.string() });

/** The principal that a plan was made for, behind what its program calls itself. */
function askerOf({ requested_by }: Plan): string {
  const [, asker = ''] = /(?:^|\()([a-z:0-9-]+)\)?$/.exec(requested_by) ?? [];
  return asker;
}

/** Whoever may only ask has no say in the plans of others: by voiding them, or asking anew, it could keep every yes from counting. */
function demandOwnPlan(plan: Plan, { id, role }: Principal): void {
  if (hasRight(role, 'administer') || askerOf(plan) === id) return;
  throw new SkybackupError('forbidden', `Plan ${plan.code} was made for someone else.`, {
    hint: 'Only its asker or an administrator may decline it, or ask about it.',
  });
}

/** What `strict` promises: the yes came with a key, and not with the one that asked, nor with one that this one made. */
function demandOtherKey(engine: Engine, plan: Plan, { id }: Principal): void {
  const asker = askerOf(plan);
  const own = asker === id || (asker.startsWith('key:') && engine.keys.isMadeBy(id, asker));
  if (id.startsWith('key:') && asker !== '' && !own) return;
  throw new SkybackupError(
    'forbidden',
    `Plan ${plan.code} must be approved with a key other than the asker's, and not with one that the asker's key made.`,
    { hint: 'Approve it with an administrator key of another person.' },
  );
}

export function planRoutes(app: Api, engine: Engine): void {
  app.post(
    base,
    {
      config: { right: 'request', action: 'Making a plan' },
      schema: { summary: 'Plan something that cannot be undone', body: PlanRequest, response: { 200: Plan } },
    },
    async (request) => {
      if ('external_source' in request.body.arguments) demandForBucket(principalOf(request));
      const plan = await engine.plans.create(request.body, principalOf(request).id);
      request.plan = plan.id;
      return plan;
    },
  );

  app.get(base, { config: { right: 'read' }, schema: { summary: 'List plans', response: { 200: PlansPage } } }, () => ({
    plans: engine.plans.list(),
  }));

  app.get(
    `${base}/:id`,
    { config: { right: 'read' }, schema: { summary: 'One plan, by its id or code', response: { 200: Plan } } },
    (request) => engine.plans.get(idOf(request)),
  );

  app.post(
    `${base}/:id/ask`,
    {
      config: { right: 'request', action: 'Asking about a plan' },
      schema: { summary: 'The number that the coming answer must carry', response: { 200: Asking } },
    },
    (request) => {
      demandOwnPlan(engine.plans.get(idOf(request)), principalOf(request));
      return { nonce: engine.plans.ask(idOf(request)) };
    },
  );

  app.post(
    `${base}/:id/approve`,
    {
      config: { right: 'administer', action: 'Approving a plan' },
      schema: {
        summary: 'Say yes; the request repeated with plan_id carries it out',
        body: PlanApproval,
        response: { 200: Plan },
      },
    },
    (request) => {
      const approval = request.body;
      if (approval.channel === 'approver_key')
        demandOtherKey(engine, engine.plans.get(idOf(request)), principalOf(request));
      return engine.plans.approve(idOf(request), approval);
    },
  );

  app.post(
    `${base}/:id/decline`,
    {
      config: { right: 'request', action: 'Declining a plan' },
      schema: { summary: 'Void a plan', body: Decline, response: { 200: Plan } },
    },
    (request) => {
      demandOwnPlan(engine.plans.get(idOf(request)), principalOf(request));
      return engine.plans.decline(idOf(request), request.body.reason);
    },
  );
}
