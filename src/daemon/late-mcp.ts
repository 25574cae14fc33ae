import type { DaemonMcpOptions, HttpCaller } from '../mcp/http/callers.ts';
import type { McpHttp } from '../mcp/http/http.ts';

/** MCP over HTTP, loaded by the first request for it: most daemons are asked by clients that bring an MCP server along. */
export class LateMcp {
  readonly #options: DaemonMcpOptions;
  #loading: Promise<McpHttp<HttpCaller>> | undefined;

  constructor(options: DaemonMcpOptions) {
    this.#options = options;
  }

  async fetch(request: Request, caller: HttpCaller): Promise<Response> {
    this.#loading ??= import('../mcp/http/callers.ts').then(({ daemonMcp }) => daemonMcp(this.#options));
    return (await this.#loading).fetch(request, caller);
  }

  /** A principal whose key was revoked: what it has open ends. */
  async forget(principal: string): Promise<void> {
    await (await this.#loading)?.forget(principal);
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close();
  }
}
