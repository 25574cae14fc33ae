import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { GuardContext } from '../context.ts';
import { defineTool, type Tool } from '../define-tool.ts';
import { pageTools } from './page-names.ts';

const code = z.string().max(100).describe('Of the plan');

/**
 * How the page of a plan says yes or no for the person in front of it. Hosts keep these from models; as that is all that keeps
 * them, a yes also needs the nonce that reached the page alone. Approving only marks: the tool called again carries out.
 */
export function approvalTools({
  planner,
  askings,
  settings: { services },
}: Pick<GuardContext, 'planner' | 'askings' | 'settings'>): Tool[] {
  async function need(of: string) {
    const found = await planner.get(of);
    const isVisible = found !== undefined && (services?.includes(found.facts.service_id) ?? true);
    // The plan's id is the token of another channel: here only the code names it.
    if (isVisible && found.code === of.trim().toUpperCase()) return found;
    throw new SkybackupError('plan_expired', 'There is no such plan any more: nothing was approved.');
  }

  const approve = defineTool({
    name: pageTools.approve,
    operation: 'write',
    forPages: true,
    title: 'Approve a plan',
    description: "For the plan's page.",
    input: z.strictObject({ code, typed_id: z.string().max(300), nonce: z.string().min(20).max(200) }),
    output: { status: 'string', plan: 'string' },
    async run({ code: of, typed_id, nonce }) {
      const approval = { channel: 'app', typed_id: typed_id.trim(), nonce } as const;
      const approved = await planner.approve(await need(of), approval).catch((error: unknown) => {
        if (error instanceof SkybackupError && error.code === 'forbidden') askings.mayNotApprove = true;
        throw error;
      });
      return {
        text: [`Plan ${approved.code} is approved. Nothing has been changed yet.`],
        data: { status: 'approved', plan: approved.code, channel: approved.approved_by },
        next: 'The tool called again with the same arguments carries it out.',
      };
    },
  });

  const decline = defineTool({
    name: pageTools.decline,
    operation: 'write',
    forPages: true,
    idempotent: true,
    title: 'Decline a plan',
    description: "For the plan's page.",
    input: z.strictObject({ code }),
    output: { status: 'string', plan: 'string' },
    async run({ code: of }) {
      const declined = await need(of);
      await planner.giveUp(declined, 'declined');
      return {
        text: [`Plan ${declined.code} was declined: it is void, and nothing was changed.`],
        data: { status: 'declined', plan: declined.code },
      };
    },
  });
  return [approve, decline];
}
