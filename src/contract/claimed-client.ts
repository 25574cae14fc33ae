/** How the asking program calls itself to a daemon, percent-encoded: for its audit, and believed by nothing. */
export const claimedClientHeader = 'x-skybackup-client';
