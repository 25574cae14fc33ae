/** The pages by name: each is one HTML file of the build. */
export const pageNames = ['timeline', 'plan'] as const;
export type PageName = (typeof pageNames)[number];

export function pageUri(page: PageName): string {
  return `ui://skybackup/${page}.html`;
}

/** What of a plan's answer reaches its page and no model, as far as the host keeps to the extension. */
export const approvalMeta = 'skybackup/approval';
/** The tools that only pages call. */
export const pageTools = { timeline: 'read_timeline', approve: 'approve_plan', decline: 'decline_plan' } as const;
