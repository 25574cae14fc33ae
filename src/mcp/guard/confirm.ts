import {
  type CallToolResult,
  type InputRequiredResult,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { SkybackupError } from '../../contract/errors.ts';
import type { Plan } from '../../contract/plans.ts';
import { digestOf } from '../../plans/arguments-digest.ts';
import { toResult } from '../answer.ts';
import { clientName } from '../audit/audit.ts';
import type { Call, GuardContext } from '../context.ts';
import { askInPage, canAskInPage } from './by-page.ts';
import { type AskState, answerKey, askForm, canElicit, readAskState, typedField } from './elicitation.ts';
import { needsApproval, saidNo } from './no-approval.ts';
import type { PlannedRequest } from './planner.ts';
import { trusts } from './trusted-channels.ts';

/** How long a question stays open; the plan itself lives ten minutes. */
export const askPatienceMs = 5 * 60_000;

interface Asking {
  ctx: ServerContext;
  server: McpServer;
  context: GuardContext;
  call: Call;
  tool: string;
  /** `host` only: the plan's token, repeated by the host after its own prompt. */
  token: string | undefined;
  /** The question was closed, or nobody answered it in time: its call ends without another word. */
  onCancelled(plan: Plan): void;
}

export type Decision =
  | { outcome: 'approved'; plan: Plan }
  | {
      outcome: 'asked' | 'needs_approval' | 'declined' | 'cancelled';
      plan: Plan;
      result: CallToolResult | InputRequiredResult;
    };

/**
 * Gets a person's yes for a destructive request, or says how to get it. Changes nothing but plans. An answer counts only with our
 * own state, its nonce unused, for a plan of exactly this operation and these arguments: everything else a client sends along is
 * treated as if it were not there, or refused.
 */
export async function confirm(request: PlannedRequest, asking: Asking): Promise<Decision> {
  const { ctx, server, context, call, tool, token } = asking;
  const { planner, settings, askings } = context;
  refuseUnprovable(asking);
  const state = settings.confirm === 'ask' ? readAskState(ctx) : undefined;
  if (state !== undefined) return answered(request, state, asking);
  if (token !== undefined) return approvedByHost(request, token, asking);

  const prepare = (): Promise<Plan> => planner.prepare(request, clientName(ctx, server), call.signal);
  let plan = await prepare();
  if (plan.status === 'approved') {
    if (trusts(settings, plan.approved_by)) return { outcome: 'approved', plan };
    // Approved in a way that this process does not trust; such a plan cannot get a better yes any more.
    await planner.giveUp(plan, 'cancelled');
    plan = await prepare();
  }
  const subject = `${request.operation} ${digestOf(request.arguments)}`;
  if (
    settings.confirm === 'ask' &&
    plan.status === 'pending' &&
    canElicit(ctx, server) &&
    !askings.mayNotApprove &&
    !askings.wentUnanswered(subject)
  ) {
    return ask(plan, subject, asking);
  }
  if (plan.status === 'pending' && canAskInPage(ctx, server, context)) {
    const answer = needsApproval(plan, request, tool, 'page');
    return { outcome: 'needs_approval', plan, result: await askInPage(plan, answer, context) };
  }
  return { outcome: 'needs_approval', plan, result: toResult(needsApproval(plan, request, tool, settings.confirm)) };
}

async function ask(plan: Plan, subject: string, asking: Asking): Promise<Decision> {
  const { ctx, context, call } = asking;
  const { planner, askings } = context;
  const giveUp = (): void => void planner.giveUp(plan, 'cancelled').catch(() => undefined);
  if (call.signal.aborted) giveUp();
  call.signal.throwIfAborted();
  const nonce = await planner.ask(plan);
  // Before the newer protocol the request stays open while the person thinks, and hosts end silent calls after a minute.
  const staysOpen = ctx.mcpReq.envelope === undefined;
  const beat = staysOpen ? () => void call.progress('Waiting for a person to confirm') : undefined;
  const closed = (): void => {
    asking.onCancelled(plan);
    giveUp();
  };
  const open = { plan: plan.id, subject, giveUp: closed, beat, patienceMs: askPatienceMs };
  const cancel = askings.add(ctx.mcpReq.id, open);
  if (call.signal.aborted) cancel();
  call.signal.throwIfAborted();
  // A request of the newer protocol is over with the question: over HTTP its signal then ends, and that is no cancelling.
  if (staysOpen) call.signal.addEventListener('abort', cancel, { once: true });
  return { outcome: 'asked', plan, result: askForm(plan, nonce, call.now) };
}

async function answered(request: PlannedRequest, state: AskState, asking: Asking): Promise<Decision> {
  const { ctx, context, call, tool } = asking;
  const { planner, askings, settings } = context;
  const plan = await planOf(state.plan, request, asking);
  askings.answered(plan.id);
  const answer = inputResponse(ctx.mcpReq.inputResponses, answerKey);
  if (answer.kind !== 'elicit' || answer.action === 'cancel') return no(plan, 'cancelled', context);
  if (answer.action === 'decline') return no(plan, 'declined', context);

  const giveUp = (): void => void planner.giveUp(plan, 'cancelled').catch(() => undefined);
  call.signal.addEventListener('abort', giveUp, { once: true });
  const given = answer.content?.[typedField];
  // A list of one id reads like the id, and no person typed it.
  const typed = typeof given === 'string' ? given.trim().slice(0, 300) : '';
  const approval = { channel: 'elicitation', typed_id: typed, nonce: state.nonce } as const;
  const approved = await planner.approve(plan, approval).catch((error: unknown) => {
    // A daemon may give this server a key that plans and does not approve: then only another person's yes counts.
    if (error instanceof SkybackupError && error.code === 'forbidden') return undefined;
    throw error;
  });
  if (approved === undefined) {
    askings.mayNotApprove = true;
    return { outcome: 'needs_approval', plan, result: toResult(needsApproval(plan, request, tool, 'strict')) };
  }
  if (call.signal.aborted) giveUp();
  call.signal.throwIfAborted();
  if (!trusts(settings, approved.approved_by))
    throw new SkybackupError('plan_not_approved', 'The plan is not approved.');
  return { outcome: 'approved', plan: approved };
}

async function approvedByHost(request: PlannedRequest, token: string, asking: Asking): Promise<Decision> {
  const plan = await planOf(token, request, asking);
  const approved = await asking.context.planner.approve(plan, { channel: 'host' });
  return { outcome: 'approved', plan: approved };
}

async function no(plan: Plan, reason: 'declined' | 'cancelled', { planner }: GuardContext): Promise<Decision> {
  await planner.giveUp(plan, reason);
  return { outcome: reason, plan, result: toResult(saidNo(plan, reason)) };
}

/** The plan that an answer names, if it is for exactly this request. */
async function planOf(id: string, request: PlannedRequest, { context, call }: Asking): Promise<Plan> {
  const { planner } = context;
  const { signal } = call;
  const plan = await planner.get(id);
  // Looked up by its code it is not proven: the code is for people to read out.
  if (plan?.id !== id) {
    throw new SkybackupError('plan_expired', 'The plan that was answered does not exist any more: nothing was done.');
  }
  if (!(await planner.isFor(plan, request, signal))) {
    throw new SkybackupError('plan_mismatch', 'The answer was given for another request: nothing was done.');
  }
  return plan;
}

/** Plans of the cloud lie in a file of this very user, so nobody else's key could approve them. */
function refuseUnprovable({ context: { settings, api } }: Asking): void {
  if (settings.confirm === 'strict' && api.provider.kind === 'cloud') {
    throw new SkybackupError(
      'unsupported',
      'SKYBACKUP_CONFIRM=strict wants an approver key, and the cloud has none: this change cannot be approved here.',
      { hint: 'A person can make this change in the SkySQL portal, or set SKYBACKUP_CONFIRM=ask.' },
    );
  }
}
