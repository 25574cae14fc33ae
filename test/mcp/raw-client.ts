import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type HttpServer, HttpWire } from './http-wire.ts';
import type { ServerCommand } from './server-command.ts';

export type Era = 'legacy' | 'modern';
export const eras: Era[] = ['legacy', 'modern'];

type Params = Record<string, unknown>;

const Message = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string().optional(),
  params: z.looseObject({}).optional(),
  result: z.looseObject({}).optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});
type Message = z.infer<typeof Message>;

export interface Reply {
  isError: boolean;
  text: string;
  data: Record<string, unknown>;
  /** A JSON-RPC error instead of a result. */
  error?: { code: number; message: string };
}

/** A question that the server put to the person behind the client. */
export interface Asking {
  message: string;
  schema: Record<string, unknown>;
  /** Newer protocol: the state that a yes must bring back. */
  state: string | undefined;
  answer(action: 'accept' | 'decline' | 'cancel', content?: Params): Promise<Reply>;
  /** Cancels the call that asked, as a host does when its person presses stop. */
  cancel(): Promise<void>;
}

/**
 * A client that speaks the wire itself, in either era, over stdio or HTTP: it can send what no SDK would. `elicitation` declares forms;
 * questions are answered by the test, or never.
 */
export class RawClient {
  readonly era: Era;
  readonly notifications: Message[] = [];
  /** Every line the server wrote to stdout, to check that nothing but protocol is there. */
  readonly lines: string[] = [];
  stderr = '';
  readonly #child: ChildProcess | undefined;
  readonly http: HttpWire | undefined;
  readonly #capabilities: Params;
  readonly #replies = new Map<number, (message: Message) => void>();
  readonly #asked: Message[] = [];
  #wakeAsked: (() => void) | undefined;
  #nextId = 1;

  private constructor(server: ServerCommand | HttpServer, era: Era, elicitation: boolean, apps: boolean) {
    this.era = era;
    const ui = { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html;profile=mcp-app'] } };
    this.#capabilities = { ...(elicitation && { elicitation: {} }), ...(apps && { extensions: ui }) };
    if ('url' in server) {
      this.http = new HttpWire(server, (line) => this.#receive(line));
      return;
    }
    this.#child = spawn(server.command, server.args, { env: server.env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#receive(line));
  }

  static async start(
    server: ServerCommand | HttpServer,
    era: Era,
    { elicitation = true, apps = false } = {},
  ): Promise<RawClient> {
    const client = new RawClient(server, era, elicitation, apps);
    if (era === 'legacy') {
      const { id: _, ...rest } = { id: 0, protocolVersion: '2025-11-25', capabilities: client.#capabilities };
      await client.request('initialize', { ...rest, clientInfo: { name: 'raw', version: '1' } }).answer;
      client.notify('notifications/initialized');
    }
    return client;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  request(method: string, params: Params = {}): { id: number; answer: Promise<Message> } {
    const id = this.#nextId++;
    const answer = new Promise<Message>((resolve) => this.#replies.set(id, resolve));
    this.#send({ id, method, params: this.#enveloped(params) });
    return { id, answer };
  }

  notify(method: string, params: Params = {}): void {
    this.#send({ method, params: this.#enveloped(params) });
  }

  /** An answer to a question, asked or not. */
  respond(id: number | string, result: Params): void {
    this.#send({ id, result });
  }

  /** A tool call without answering questions; `more` are extra members of the request's params. */
  async call(name: string, args: Params, more: Params = {}): Promise<Reply> {
    return replyOf(await this.request('tools/call', { name, arguments: args, ...more }).answer);
  }

  /** A call that is expected to end in a question. */
  async ask(name: string, args: Params, more: Params = {}): Promise<Asking> {
    const { id, answer } = this.request('tools/call', { name, arguments: args, ...more });
    return this.era === 'modern' ? this.#askingModern(name, args, id, await answer) : this.#askingLegacy(id, answer);
  }

  /** Ends stdin, as a host that closes does, and waits for the process. */
  async close(): Promise<number | null> {
    if (this.http !== undefined) return this.http.close();
    if (this.#child === undefined) return null;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const child = this.#child;
    const exit = once(child, 'exit');
    child.stdin?.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const [code] = await exit;
    clearTimeout(timer);
    return code;
  }

  #askingModern(name: string, args: Params, id: number, { result, error }: Message): Asking {
    if (result?.resultType !== 'input_required') throw new Error(`not asked: ${JSON.stringify(result ?? error)}`);
    const requests = z.record(z.string(), z.looseObject({ params: Form })).parse(result.inputRequests);
    const [key, request] = Object.entries(requests)[0] ?? [];
    const state = z.string().parse(result.requestState);
    if (key === undefined || request === undefined) throw new Error('no question in it');
    return {
      ...form(request.params),
      state,
      answer: (action, content) =>
        this.call(name, args, {
          requestState: state,
          inputResponses: { [key]: { action, ...(content && { content }) } },
        }),
      cancel: async () => this.notify('notifications/cancelled', { requestId: id, reason: 'stopped' }),
    };
  }

  async #askingLegacy(id: number, answer: Promise<Message>): Promise<Asking> {
    const early = await Promise.race([answer, this.#nextAsked()]);
    if (early.method !== 'elicitation/create') throw new Error(`not asked: ${JSON.stringify(early)}`);
    return {
      ...form(Form.parse(early.params)),
      state: undefined,
      answer: async (action, content) => {
        this.#send({ id: early.id, result: { action, ...(content && { content }) } });
        return replyOf(await answer);
      },
      cancel: async () => this.notify('notifications/cancelled', { requestId: id, reason: 'stopped' }),
    };
  }

  async #nextAsked(): Promise<Message> {
    for (;;) {
      const asked = this.#asked.shift();
      if (asked !== undefined) return asked;
      await new Promise<void>((resolve) => {
        this.#wakeAsked = resolve;
      });
    }
  }

  #enveloped(params: Params): Params {
    if (this.era === 'legacy') return params;
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': this.#capabilities,
      ...(params._meta as Params | undefined),
    };
    return { ...params, _meta };
  }

  #send(message: Params): void {
    const whole = { jsonrpc: '2.0', ...message };
    if (this.http !== undefined) this.http.send(whole);
    else this.#child?.stdin?.write(`${JSON.stringify(whole)}\n`);
  }

  #receive(line: string): void {
    this.lines.push(line);
    const message = Message.parse(JSON.parse(line));
    if (message.method !== undefined && message.id !== undefined) {
      this.#asked.push(message);
      this.#wakeAsked?.();
    } else if (message.method !== undefined) {
      this.notifications.push(message);
    } else {
      const id = Number(message.id);
      this.#replies.get(id)?.(message);
      this.#replies.delete(id);
    }
  }
}

const Form = z.looseObject({ message: z.string(), requestedSchema: z.looseObject({}) });

function form({ message, requestedSchema }: z.infer<typeof Form>): {
  message: string;
  schema: Record<string, unknown>;
} {
  return { message, schema: requestedSchema };
}

function replyOf({ result, error }: Message): Reply {
  if (error !== undefined) return { isError: true, text: error.message, data: {}, error };
  const content = z
    .array(z.looseObject({ text: z.string().optional() }))
    .catch([])
    .parse(result?.content);
  return {
    isError: result?.isError === true,
    text: content.map(({ text }) => text ?? '').join('\n'),
    data: z.looseObject({}).catch({}).parse(result?.structuredContent),
  };
}
