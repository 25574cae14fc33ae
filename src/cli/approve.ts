import type { Settings } from '../client/settings.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Plan } from '../contract/plans.ts';
import { cleanText } from '../mcp/clean-text.ts';
import { openPlanner } from '../mcp/guard/open-planner.ts';
import { planInWords } from '../mcp/guard/plan-words.ts';
import type { Planner } from '../mcp/guard/planner.ts';
import { timeInWords } from '../mcp/sizes-and-times.ts';
import { quoteText } from '../mcp/untrusted-text.ts';
import { askLine, personPresent } from './ask.ts';
import { exitCodes, type Terminal, UsageError } from './terminal.ts';
import { withApi } from './with-api.ts';

export interface ApproveOptions {
  /** The target's id as the person typed it, where no terminal can ask for it. */
  confirm?: string;
  decline?: boolean;
  /** A file with the approver's own key. */
  keyFile?: string;
}

/** Shows a plan and marks it approved once the target's id is typed. What was planned is carried out by the asking program. */
export function approve(terminal: Terminal, code: string, options: ApproveOptions): Promise<number> {
  return withApi(
    terminal,
    async (api, settings) => {
      if (options.keyFile !== undefined && !api.daemon)
        throw new UsageError(
          'Plans for the cloud lie in a file of this user: no key is needed, and none proves anything.',
        );
      const planner = openPlanner(api, settings);
      try {
        const plan = await planner.get(code.trim().toUpperCase());
        if (!plan) {
          throw new SkybackupError('not_found', `There is no plan ${code}.`, {
            hint: 'Plans live ten minutes. Check the code, or have the request made again.',
          });
        }
        return options.decline
          ? await decline(terminal, planner, plan)
          : await ask(terminal, planner, plan, options, settings.provider);
      } finally {
        planner.close();
      }
    },
    options.keyFile,
  );
}

async function ask(
  terminal: Terminal,
  planner: Planner,
  plan: Plan,
  { confirm, keyFile }: ApproveOptions,
  provider: Settings['provider'],
): Promise<number> {
  show(terminal, plan);
  refuseUnlessPending(plan);
  const { confirm_id } = plan.facts;
  if (confirm === undefined && !personPresent()) {
    throw new UsageError(
      'Approving needs a person, and there is no terminal to ask at.',
      `At a terminal, run: skybackup approve ${plan.code}. A person without one adds: --confirm <the id shown above>`,
    );
  }
  const typed = confirm ?? (await askLine(`Type ${cleanText(confirm_id)} to approve, or press Enter to leave it: `));
  if (typed !== confirm_id) {
    throw new SkybackupError(
      'plan_not_approved',
      typed ? `"${typed}" is not ${confirm_id}: nothing was approved.` : 'Nothing was approved.',
      {
        hint: `The plan stays open until ${until(plan)}. To void it: skybackup approve ${plan.code} --decline`,
      },
    );
  }
  const withKey = keyFile !== undefined || provider.kind === 'daemon';
  const approved = await mark(planner, plan, typed, withKey);
  if (withKey && approved.approved_by !== 'approver_key')
    terminal.note('The key is the one that asked: SKYBACKUP_CONFIRM=strict does not take this approval.');
  terminal.result({ plan: approved }, [
    `Plan ${plan.code} is approved. Nothing has been changed yet.`,
    `Now have the request repeated as it was, before ${until(plan)}: that carries the plan out, once.`,
  ]);
  return exitCodes.done;
}

/** A key of one's own proves its holder; a terminal proves this user's rights, and so does the key that asked itself. */
async function mark(planner: Planner, plan: Plan, typed_id: string, withKey: boolean): Promise<Plan> {
  if (!withKey) return planner.approve(plan, { channel: 'terminal', typed_id });
  try {
    return await planner.approve(plan, { channel: 'approver_key', typed_id });
  } catch (error) {
    if (!(error instanceof SkybackupError) || error.code !== 'forbidden') throw error;
    return planner.approve(plan, { channel: 'terminal', typed_id });
  }
}

async function decline(terminal: Terminal, planner: Planner, plan: Plan): Promise<number> {
  show(terminal, plan);
  await planner.giveUp(plan, 'declined');
  terminal.result({ plan: { ...plan, status: 'declined' } }, `Plan ${plan.code} is declined: no later yes counts.`);
  return exitCodes.done;
}

/** The plan in words, on stderr: what it does first, then what it was asked with. */
function show(terminal: Terminal, plan: Plan): void {
  terminal.note([
    `Plan ${plan.code} (${plan.status}), valid until ${until(plan)}`,
    ...planInWords(plan)
      .split('\n')
      .map((line) => `  ${line}`),
    `  Asked by: ${quoteText(plan.requested_by)} (as it calls itself)`,
    `  Request: ${plan.operation} ${JSON.stringify(plan.arguments)}`,
    '',
  ]);
}

function refuseUnlessPending({ status, code }: Plan): void {
  switch (status) {
    case 'pending':
      return;
    case 'approved':
      throw new SkybackupError('plan_used', `Plan ${code} is approved already.`, {
        hint: 'Have the request repeated as it was: that carries it out.',
      });
    case 'expired':
      throw new SkybackupError('plan_expired', `Plan ${code} has expired.`);
    default:
      throw new SkybackupError('plan_used', `Plan ${code} is ${status}: it cannot be approved any more.`);
  }
}

function until({ expires_at }: Plan): string {
  return timeInWords(expires_at) ?? expires_at;
}
