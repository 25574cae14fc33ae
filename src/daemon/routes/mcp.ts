import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SkybackupError } from '../../contract/errors.ts';
import type { HttpCaller } from '../../mcp/http/callers.ts';
import type { AppOptions } from '../app.ts';
import { keyOf, type Transport } from '../auth/principal.ts';
import { hasRight, type Right } from '../auth/roles.ts';
import { principalOf } from '../read-request.ts';
import type { Api } from '../route-schemas.ts';

/** What a caller must be allowed to do for tools of a kind to exist for it. */
const rightFor: Record<HttpCaller['operations'][number], Right> = {
  read: 'read',
  write: 'operate',
  destructive: 'request',
};
const operations = Object.keys(rightFor) as (keyof typeof rightFor)[];

/** MCP needs these of a request; its key goes no further than to the check in front. */
const passedOn = /^(accept|content-type|last-event-id|mcp-.+)$/;

/** MCP over Streamable HTTP. Part of every listener, behind the same checks as all else. */
export function mcpRoute(
  app: Api,
  { mcp, transport, ownSocket }: Pick<AppOptions, 'mcp' | 'transport' | 'ownSocket'>,
): void {
  // In a scope of its own: what is no JSON is answered by the protocol's rules.
  void app.register(async (scope: Api) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      scope.route({
        method,
        url: '/mcp',
        exposeHeadRoute: false,
        config: { right: 'read' },
        schema: {
          summary: 'MCP over Streamable HTTP',
          hide: true,
          ...(method === 'GET' ? {} : { body: z.string().nullish() }),
          response: { 200: z.unknown() },
        },
        handler: async (request, reply) => {
          const ended = new AbortController();
          reply.raw.once('close', () => ended.abort());
          const caller = callerOf(request, transport, ownSocket);
          return begun(await mcp.fetch(webRequest(request, ended.signal), caller));
        },
      });
    }
  });
}

function webRequest({ method, headers, body }: FastifyRequest, signal: AbortSignal): Request {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    passedOn.test(name) && value !== undefined ? [[name, String(value)] as [string, string]] : [],
  );
  return new Request('http://skybackup/mcp', {
    method,
    headers: kept,
    signal,
    body: z.string().nullish().parse(body) ?? null,
  });
}

/** A stream's headers go out with its first bytes, and a stream for notices may have none for long: a comment opens it. */
function begun(response: Response): Response {
  if (response.body === null || response.headers.get('content-type') !== 'text/event-stream') return response;
  const opening = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from(': open\n\n')),
  });
  return new Response(response.body.pipeThrough(opening), response);
}

function callerOf(request: FastifyRequest, transport: Transport, socket: string): HttpCaller {
  const { id: principal, role } = principalOf(request);
  const key = keyOf(request);
  // On a socket no key is the socket's peer: a request over TCP must never become one.
  if (transport.kind === 'tcp' && key === undefined) throw new SkybackupError('unauthorized', 'There is no API key.');
  return {
    principal,
    key,
    socket,
    operations: operations.filter((operation) => hasRight(role, rightFor[operation])),
    mayApprove: hasRight(role, 'administer'),
  };
}
