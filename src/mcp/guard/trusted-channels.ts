import type { Settings } from '../../client/settings.ts';
import type { ApprovalChannel } from '../../contract/plans.ts';

/** What is not named here is no yes. */
const trusted: Record<Settings['confirm'], readonly ApprovalChannel[]> = {
  strict: ['approver_key'],
  ask: ['elicitation', 'terminal', 'approver_key'],
  host: ['elicitation', 'terminal', 'approver_key', 'host'],
};

/** Which approvals a process trusts: a plan may have been approved through another one with a looser setting. */
export function trusts(mode: Settings['confirm'], channel: ApprovalChannel | undefined): boolean {
  return channel !== undefined && trusted[mode].includes(channel);
}
