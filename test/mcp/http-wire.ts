import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** MCP at an address, and what its requests carry besides: a key, or an odd header. */
export interface HttpServer {
  url: string;
  headers?: Record<string, string>;
}

type Message = Record<string, unknown> & { id?: unknown; method?: string; params?: Record<string, unknown> };

/** The wire of Streamable HTTP, spoken by hand in either era: a message out is a POST, and what comes back is handed on line by line. */
export class HttpWire {
  /** Of the older era, once initialised. */
  session: string | undefined;
  readonly #server: HttpServer;
  readonly #receive: (line: string) => void;
  readonly #open = new Map<unknown, AbortController>();

  constructor(server: HttpServer, receive: (line: string) => void) {
    this.#server = server;
    this.#receive = receive;
  }

  send(message: Message): void {
    const cancelled = message.method === 'notifications/cancelled' ? message.params?.requestId : undefined;
    // A newer client cancels by closing its exchange.
    if (cancelled !== undefined && isModern(message)) {
      this.#open.get(cancelled)?.abort();
      return;
    }
    const closed = new AbortController();
    if (message.method !== undefined && message.id !== undefined) this.#open.set(message.id, closed);
    void this.#post(message, closed.signal)
      .catch((error: unknown) => this.#refused(message, 0, String(error)))
      .finally(() => this.#open.delete(message.id));
  }

  async close(): Promise<number | null> {
    for (const exchange of this.#open.values()) exchange.abort();
    if (this.session !== undefined) await fetch(this.#server.url, { method: 'DELETE', headers: this.#headers() });
    return 0;
  }

  async #post(message: Message, signal: AbortSignal): Promise<void> {
    const answer = await fetch(this.#server.url, {
      method: 'POST',
      signal,
      headers: { ...standardHeaders(message), ...this.#headers() },
      body: JSON.stringify(message),
    });
    this.session = answer.headers.get('mcp-session-id') ?? this.session;
    if (answer.headers.get('content-type')?.startsWith('text/event-stream') && answer.body) {
      for await (const line of createInterface({ input: Readable.fromWeb(answer.body) })) {
        if (line.startsWith('data: {')) this.#receive(line.slice('data: '.length));
      }
      return;
    }
    const text = await answer.text();
    if (answer.ok && text !== '') this.#receive(text);
    else if (!answer.ok) this.#refused(message, answer.status, text);
  }

  /** A refusal of HTTP, as the error that an SDK would make of it; one of the protocol as it is. */
  #refused({ id }: Message, status: number, text: string): void {
    if (id === undefined) return;
    const parsed = text.startsWith('{') ? JSON.parse(text) : {};
    const error = parsed.jsonrpc === undefined ? { code: status, message: text } : parsed.error;
    this.#receive(JSON.stringify({ jsonrpc: '2.0', id, error }));
  }

  #headers(): Record<string, string> {
    return { ...this.#server.headers, ...(this.session === undefined ? {} : { 'mcp-session-id': this.session }) };
  }
}

function isModern({ params }: Message): boolean {
  return params?._meta !== undefined && 'io.modelcontextprotocol/protocolVersion' in (params._meta as object);
}

function standardHeaders(message: Message): Record<string, string> {
  const { method, params } = message;
  const name = params?.name ?? params?.uri;
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(isModern(message) && method !== undefined
      ? {
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        }
      : {}),
  };
}
