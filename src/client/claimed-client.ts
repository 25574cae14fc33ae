import { AsyncLocalStorage } from 'node:async_hooks';
import { claimedClientHeader } from '../contract/claimed-client.ts';

/**
 * On whose behalf requests are made, for the daemon's audit. It follows the call instead of the client, because one client
 * serves many callers where MCP is served over HTTP.
 */
export const claimedClient = new AsyncLocalStorage<string>();

/** The header that names the caller; none where nobody was named. */
export function claimedClientHeaders(): Record<string, string> {
  const name = claimedClient.getStore();
  return name === undefined ? {} : { [claimedClientHeader]: encodeURIComponent(name.toWellFormed()).slice(0, 900) };
}
