import { createMcpHandler, isLegacyRequest, type McpServer, type ServerNotifier } from '@modelcontextprotocol/server';
import { listeningOverHttp } from '../resources/http-listening.ts';
import type { ResourceWatch } from '../resources/watch.ts';
import { maxRequestBodySize, type SessionLimits, Sessions } from './sessions.ts';

/** Streams on which newer clients wait for changes, all callers together, and of one. */
const maxSubscriptions = 256;
const maxSubscriptionsOfOne = 32;

export interface McpHttp<Caller> {
  /** Answers one request. Who asks was found out before; `request.signal` ends when its connection does. */
  fetch(request: Request, caller: Caller): Promise<Response>;
  /** Tells the newer clients that listen. */
  readonly notify: ServerNotifier;
  /** How many sessions of older clients there are. */
  sessionCount(): number;
  /** Ends the sessions and streams of a principal, whose key is worth nothing any more. */
  forget(principal: string): Promise<void>;
  /** Ends every session, stream and call at once. */
  close(): Promise<void>;
}

export type Era = 'legacy' | 'modern';

interface McpHttpOptions<Caller> {
  sessions?: Partial<SessionLimits>;
  /** What looks for changes with a caller's rights; without it newer clients are told of none. */
  watchOf?(caller: Caller): ResourceWatch;
  onError?(error: Error): void;
}

/**
 * MCP over Streamable HTTP for clients of both eras, from one factory: older ones have sessions, and for newer ones each request
 * is served by a server of its own. Neither Host, Origin nor key is checked here: whoever mounts it does that in front.
 */
export function mcpOverHttp<Caller extends { readonly principal: string }>(
  createServer: (caller: Caller, era: Era) => McpServer,
  options: McpHttpOptions<Caller> = {},
): McpHttp<Caller> {
  const onError = options.onError ?? (() => undefined);
  const sessions = new Sessions(options.sessions, onError);
  const callers = new WeakMap<Request, Caller>();
  /** What ends the exchanges of a principal that are open, and whether each is a stream of changes. */
  const open = new Map<string, Map<AbortController, boolean>>();
  const modern = createMcpHandler(
    ({ requestInfo }) => {
      const caller = requestInfo && callers.get(requestInfo);
      if (caller === undefined) throw new Error('a request came without its caller');
      return createServer(caller, 'modern');
    },
    // Served without sessions, older clients would lose questions, cancelling and notices without a word.
    { legacy: 'reject', maxRequestBodySize, maxSubscriptions, onerror: onError },
  );

  /** A newer client cancels by closing its exchange, and a principal whose key was revoked loses its open ones. */
  async function exchange(request: Request, caller: Caller): Promise<Response> {
    const own = new AbortController();
    const ofCaller = open.get(caller.principal) ?? new Map<AbortController, boolean>();
    // The SDK refuses a body that asks for another method than this.
    const listens = request.headers.get('mcp-method') === 'subscriptions/listen';
    if (listens && [...ofCaller.values()].filter(Boolean).length >= maxSubscriptionsOfOne) return tooManyStreams();
    open.set(caller.principal, ofCaller.set(own, listens));
    const end = (): void => {
      ofCaller.delete(own);
      if (ofCaller.size === 0 && open.get(caller.principal) === ofCaller) open.delete(caller.principal);
      own.abort();
    };
    request.signal.addEventListener('abort', end, { once: true });
    // Whoever went away before this would never end it.
    if (request.signal.aborted) end();
    const bound = new Request(request, { signal: own.signal });
    callers.set(bound, caller);
    const watch = options.watchOf?.(caller);
    return (watch === undefined ? modern : listeningOverHttp(modern, watch)).fetch(bound);
  }

  return {
    notify: modern.notify,
    sessionCount: () => sessions.count,
    async fetch(request, caller) {
      if (!(await isLegacyRequest(request, undefined, { maxRequestBodySize }))) return exchange(request, caller);
      return sessions.fetch(request, caller.principal, () => createServer(caller, 'legacy'));
    },
    async forget(principal) {
      for (const exchange of open.get(principal)?.keys() ?? []) exchange.abort();
      await sessions.forget(principal);
    },
    async close() {
      await Promise.all([modern.close(), sessions.close()]);
    },
  };
}

/** So that no key takes the streams of all others. */
function tooManyStreams(): Response {
  const message = `This key has ${maxSubscriptionsOfOne} streams of changes open, as many as it may: end one first.`;
  return Response.json({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }, { status: 429 });
}
