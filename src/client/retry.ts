/** How often one call is tried in all. */
export const tries = 3;

const baseDelayMs = 250;
const retriedOnGet = new Set([429, 500, 502, 503, 504]);

/** How one try failed. */
export type TryFailure =
  /** The server answered with this status. */
  | { kind: 'status'; status: number; retryAfterMs: number | undefined }
  /** No connection came about: nothing was sent. */
  | { kind: 'unconnected' }
  /** The connection broke or the try's time ran out after the request may have arrived. */
  | { kind: 'broken' };

/**
 * Whether the same request may go out again. Everything but GET is repeated only when it cannot have been carried out:
 * nothing was sent, a limiter turned it away (429), or the server said when to come again instead of doing it (503 with Retry-After).
 */
export function mayRepeat(method: string, failure: TryFailure): boolean {
  if (failure.kind === 'unconnected') return true;
  if (method === 'GET') return failure.kind === 'broken' || retriedOnGet.has(failure.status);
  if (failure.kind === 'broken') return false;
  return failure.status === 429 || (failure.status === 503 && failure.retryAfterMs !== undefined);
}

/**
 * Milliseconds to wait before the next try, or undefined when there is to be none: the tries are used up, or the wait would
 * pass the deadline. Never sooner than `Retry-After` says; otherwise doubling, with jitter so that many clients spread out.
 */
export function retryDelay(
  wait: { failedTries: number; remainingMs: number; retryAfterMs?: number | undefined },
  random: () => number = Math.random,
): number | undefined {
  if (wait.failedTries >= tries) return undefined;
  const backoff = baseDelayMs * 2 ** (wait.failedTries - 1) * (0.5 + random());
  const delay = Math.ceil(Math.max(backoff, wait.retryAfterMs ?? 0));
  return delay < wait.remainingMs ? delay : undefined;
}

/** What asks for a longer wait than this is taken for this: nobody waits for it, and it may be nonsense. */
const longestWaitMs = 3_600_000;

/**
 * `Retry-After` in milliseconds: seconds, or an HTTP date. Undefined when it is neither; 0 when the moment is past. `now` is the
 * server's own clock (its `Date`) where it told it: ours may be hours off.
 */
export function parseRetryAfter(header: string | undefined, now: number = Date.now()): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, longestWaitMs);
  if (!/^[A-Za-z]{3}[a-z]*,/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), longestWaitMs);
}
