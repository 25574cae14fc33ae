import type { CallToolResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import type { Plan } from '../../contract/plans.ts';
import type { ToolAnswer } from '../answer.ts';
import { toResult } from '../answer.ts';
import { approvalMeta } from '../apps/page-names.ts';
import { showsApps } from '../apps/shows-apps.ts';
import type { GuardContext } from '../context.ts';
import { approvesInPages } from './trusted-channels.ts';

/** Whether this call's plan can be approved in a page. */
export function canAskInPage(ctx: ServerContext, server: McpServer, { settings, askings }: GuardContext): boolean {
  return approvesInPages(settings) && !askings.mayNotApprove && showsApps(ctx, server);
}

/**
 * The plan for its page. The nonce is in `_meta` alone, which the host gives to the page and to no model; that it keeps to this
 * nobody here can prove, which is why pages approve only where a person switched that on.
 */
export async function askInPage(plan: Plan, answer: ToolAnswer, { planner }: GuardContext): Promise<CallToolResult> {
  const nonce = await planner.ask(plan);
  return { ...toResult(answer), _meta: { [approvalMeta]: { plan: plan.code, nonce } } };
}
