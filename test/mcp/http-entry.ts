import type { McpServer } from '@modelcontextprotocol/server';
import { fastify } from 'fastify';
import { checkHost } from '../../src/daemon/auth/host-check.ts';
import { checkOrigin } from '../../src/daemon/auth/origin-check.ts';
import { type Api, serializerCompiler, validatorCompiler } from '../../src/daemon/route-schemas.ts';
import { mcpRoute } from '../../src/daemon/routes/mcp.ts';
import type { HttpCaller } from '../../src/mcp/http/callers.ts';
import { type McpHttp, mcpOverHttp } from '../../src/mcp/http/http.ts';
import type { SessionLimits } from '../../src/mcp/http/sessions.ts';

export interface HttpEntry {
  url: string;
  http: McpHttp<HttpCaller>;
  close(): Promise<void>;
}

/** Other servers on the product's own HTTP stack and route: whoever names itself in the header `x-who` is believed. */
export async function startHttpEntry(
  createServer: () => McpServer,
  sessions: Partial<SessionLimits> = {},
): Promise<HttpEntry> {
  const http = mcpOverHttp<HttpCaller>(createServer, { sessions });
  const app: Api = fastify({ forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    checkHost(request.headers.host, '127.0.0.1');
    checkOrigin(request.headers.origin, request.headers.host);
    request.principal = { id: String(request.headers['x-who'] ?? 'anyone'), role: 'administrator' };
  });
  app.setErrorHandler((error, _request, reply) => {
    void reply
      .code(error instanceof Error && error.message.includes('Host') ? 403 : 400)
      .send({ error: String(error) });
  });
  mcpRoute(app, { mcp: http, ownSocket: '', transport: { kind: 'socket', peer: { id: '', role: 'viewer' } } });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `${origin}/mcp`,
    http,
    async close() {
      await http.close();
      await app.close();
    },
  };
}
