import type { Plan } from '../../contract/plans.ts';
import type { ToolAnswer } from '../answer.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { planAsData, planInWords } from './plan-words.ts';
import type { PlannedRequest } from './planner.ts';

/** Nothing has happened yet: the plan, and how a person says yes to it. A normal answer, since nothing went wrong. */
export function needsApproval(
  plan: Plan,
  request: PlannedRequest,
  tool: string,
  mode: 'ask' | 'strict' | 'host' | 'page',
): ToolAnswer {
  const command = `skybackup approve ${plan.code}`;
  const where = {
    strict: 'by a person who holds an approver key (not the one this server uses)',
    page: 'by a person in the page shown with this answer, or at a terminal',
    ask: 'by a person at a terminal',
    host: 'by a person at a terminal',
  }[mode];
  const until = timeInWords(plan.expires_at);
  const repeat = `call ${tool} again with ${JSON.stringify(request.repeat)}`;
  const next =
    mode === 'host'
      ? `Show the person this plan. Only after they agree, ${repeat} and plan "${plan.id}", before ${until}; or they run "${command}".`
      : mode === 'page'
        ? `The person approves in the page, or by "${command}", before ${until}. Wait until they say that they have; then ${repeat}: it carries the plan out.`
        : `Show the person this plan and ask them to run "${command}" before ${until}. After they have, ${repeat}: it carries the plan out.`;
  return {
    text: [`NOTHING HAS BEEN CHANGED. This needs approval, ${where}: ${command}`, planInWords(plan)],
    data: {
      status: 'needs_approval',
      changed: false,
      plan: { ...planAsData(plan), ...(mode === 'host' ? { token: plan.id } : {}) },
      approve_with: command,
    },
    next,
  };
}

export function saidNo(plan: Plan, reason: 'declined' | 'cancelled'): ToolAnswer {
  const what = reason === 'declined' ? 'The person declined' : 'The question was closed without an answer';
  return {
    text: [`${what}: nothing was changed, and plan ${plan.code} is void.`],
    data: { status: reason, changed: false },
    next: 'Do not repeat the call unless the person asks for it again.',
  };
}
