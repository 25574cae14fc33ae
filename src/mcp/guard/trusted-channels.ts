import type { Settings } from '../../client/settings.ts';
import type { ApprovalChannel } from '../../contract/plans.ts';

export type ApprovalSettings = Pick<Settings, 'confirm' | 'appConfirm' | 'readOnly'>;

/** What is not named here is no yes; one in a page is trusted only where a person switched that on. */
const trusted: Record<Settings['confirm'], readonly ApprovalChannel[]> = {
  strict: ['approver_key'],
  ask: ['elicitation', 'terminal', 'approver_key'],
  host: ['elicitation', 'terminal', 'approver_key', 'host'],
};

/** Which approvals a process trusts: a plan may have been approved through another one with a looser setting. */
export function trusts(settings: ApprovalSettings, channel: ApprovalChannel | undefined): boolean {
  if (channel === 'app') return approvesInPages(settings);
  return channel !== undefined && trusted[settings.confirm].includes(channel);
}

/** Whether pages may say yes here at all: only where a person switched it on, and where the settings ask people. */
export function approvesInPages({ confirm, appConfirm, readOnly }: ApprovalSettings): boolean {
  return appConfirm && confirm === 'ask' && !readOnly;
}
