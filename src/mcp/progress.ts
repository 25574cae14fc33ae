import type { ServerContext } from '@modelcontextprotocol/server';
import type { Call } from './context.ts';

/**
 * Progress for one request, to a client that asked for it. The protocol wants every value higher than the one before, so
 * a plain counter stands in where the work's own measure does not grow.
 */
export function progressOf(ctx: ServerContext): Call['progress'] {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  let last = 0;
  return async (message, done, total) => {
    if (progressToken === undefined || ctx.mcpReq.signal.aborted) return;
    const grows = done !== undefined && done > last;
    last = grows ? done : last + 1;
    const goal = total !== undefined && total >= last ? { total } : {};
    const params = { progressToken, progress: last, ...goal, message };
    // A client that went away is noticed by the call's signal; its last heartbeat must not fail the call.
    await ctx.mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
