import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import { createMcpHandler, isLegacyRequest, type McpServer } from '@modelcontextprotocol/server';

/**
 * The product's MCP server over HTTP, for the conformance suite, which speaks nothing else. Test-only: sessions of the older era
 * have neither a cap nor an idle timeout here. Both eras are served from the same factory.
 */
export async function startHttpEntry(createServer: () => McpServer): Promise<{ url: string; close(): Promise<void> }> {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const modern = createMcpHandler(createServer, { legacy: 'reject' });
  const modernHandler = toNodeHandler(modern);
  const hostIsLocal = localhostHostValidation();
  const originIsLocal = localhostOriginValidation();

  async function legacy(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const session = request.headers['mcp-session-id'];
    if (session !== undefined) {
      const known = sessions.get(String(session));
      if (known !== undefined) return known.handleRequest(request, response, body);
      response.writeHead(404).end();
      return;
    }
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    transport.onclose = () => void sessions.delete(transport.sessionId ?? '');
    await createServer().connect(transport);
    await transport.handleRequest(request, response, body);
  }

  const http = createHttpServer((request, response) => {
    // Each check answers by itself when it refuses.
    if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return;
    void readBody(request).then(async (body) => {
      // On a server both are always there; only Node's type, which serves clients too, says otherwise.
      const message = Object.assign(request, { method: request.method ?? 'GET', url: request.url ?? '/' });
      const isLegacy = await isLegacyRequest(await toWebRequest(message, body), body);
      await (isLegacy ? legacy(request, response, body) : modernHandler(message, response, body));
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      for (const transport of sessions.values()) await transport.close();
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
