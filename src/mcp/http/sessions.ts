import { randomUUID } from 'node:crypto';
import { type McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';

export interface SessionLimits {
  /** Of all principals together, and of one. */
  sessions: number;
  sessionsOfOne: number;
  /** A session without a request, and without a stream open, ends after this. */
  idleMs: number;
}

/** Far above what people's clients need; a client that ends without saying so leaves a session behind each time. */
export const sessionLimits: SessionLimits = { sessions: 256, sessionsOfOne: 32, idleMs: 30 * 60_000 };

/** A request's body beyond this is refused. A call has a few hundred bytes. */
export const maxRequestBodySize = 1024 * 1024;

interface Session {
  readonly id: string;
  readonly principal: string;
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Requests being answered, the stream for notices among them. */
  open: number;
  lastUse: number;
  idle: NodeJS.Timeout | undefined;
}

/**
 * The sessions of older clients. The SDK knows neither whose a session is nor when it is over: here each belongs to the principal
 * that opened it and is unknown to all others, ends when it is not used, and there are never more than the limits say.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #onError: (error: Error) => void;
  readonly #sessions = new Map<string, Session>();

  constructor(limits: Partial<SessionLimits> = {}, onError: (error: Error) => void = () => undefined) {
    this.#limits = { ...sessionLimits, ...limits };
    this.#onError = onError;
  }

  async fetch(request: Request, principal: string, createServer: () => McpServer): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id === null) return this.#open(request, principal, createServer);
    const session = this.#sessions.get(id);
    // Another's session is answered as one that never was.
    if (session?.principal !== principal) return refusal(404, -32001, 'Session not found: initialize anew.');
    return this.#use(session, request);
  }

  get count(): number {
    return this.#sessions.size;
  }

  async forget(principal: string): Promise<void> {
    await this.#end([...this.#sessions.values()].filter((session) => session.principal === principal));
  }

  async close(): Promise<void> {
    await this.#end([...this.#sessions.values()]);
  }

  async #open(request: Request, principal: string, createServer: () => McpServer): Promise<Response> {
    const full = this.#makeRoom(principal);
    if (full !== undefined) return full;
    const id = randomUUID();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      maxRequestBodySize,
    });
    transport.onerror = this.#onError;
    transport.onclose = () => this.#forget(session);
    const server = createServer();
    const session: Session = { id, principal, server, transport, open: 0, lastUse: 0, idle: undefined };
    // Counted from here on, so that many at once cannot get past the limits.
    this.#sessions.set(id, session);
    await server.connect(transport);
    const response = await this.#use(session, request);
    if (transport.sessionId === undefined) await this.#end([session]);
    return response;
  }

  async #use(session: Session, request: Request): Promise<Response> {
    session.open += 1;
    session.lastUse = performance.now();
    clearTimeout(session.idle);
    const done = (): void => {
      session.open -= 1;
      if (session.open > 0 || !this.#sessions.has(session.id)) return;
      session.idle = setTimeout(() => void this.#end([session]), this.#limits.idleMs).unref();
    };
    if (request.signal.aborted) done();
    else request.signal.addEventListener('abort', done, { once: true });
    return session.transport.handleRequest(request);
  }

  /** A new session takes the place of the principal's own that was used least lately; one in use is never ended for it. */
  #makeRoom(principal: string): Response | undefined {
    const own = [...this.#sessions.values()].filter((session) => session.principal === principal);
    const tooMany = own.length >= this.#limits.sessionsOfOne;
    if (!tooMany && this.#sessions.size < this.#limits.sessions) return undefined;
    const [unused] = own.filter(({ open }) => open === 0).sort((a, b) => a.lastUse - b.lastUse);
    if (unused !== undefined) {
      void this.#end([unused]);
      return undefined;
    }
    return tooMany
      ? refusal(429, -32000, `This key has ${own.length} sessions in use, as many as it may: end one first.`)
      : refusal(503, -32000, 'All sessions are in use: try again later.');
  }

  #forget(session: Session): void {
    clearTimeout(session.idle);
    this.#sessions.delete(session.id);
  }

  async #end(sessions: readonly Session[]): Promise<void> {
    for (const session of sessions) this.#forget(session);
    await Promise.all(sessions.map(({ server }) => server.close().catch(this.#onError)));
  }
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });
}
