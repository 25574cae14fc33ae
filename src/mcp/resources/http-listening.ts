import { type McpHttpHandler, readRequestBody } from '@modelcontextprotocol/server';
import { asListen, refusal } from './listen-request.ts';
import type { ResourceWatch } from './watch.ts';

/** A subscription names a few URIs. */
const longestBody = 64 * 1024;

/** Subscriptions of newer clients over HTTP: the stream that is the answer lasts as long as the subscription, and so does the watch. */
export function listeningOverHttp(
  handler: Pick<McpHttpHandler, 'fetch' | 'notify'>,
  watch: ResourceWatch,
): Pick<McpHttpHandler, 'fetch'> {
  const tell = (uri: string): void => handler.notify.resourceUpdated(uri);
  return {
    async fetch(request, options) {
      const body: unknown = options?.parsedBody ?? (await bodyOf(request));
      const listen = asListen(body);
      if (listen === undefined) return handler.fetch(request, options);
      let release: () => void;
      try {
        release = await watch.add(listen.uris, tell);
      } catch (error) {
        return Response.json(refusal(listen.request, error));
      }
      const response = await handler.fetch(request, { ...options, parsedBody: listen.request });
      // Whoever went away while it was held never reads the answer.
      if (request.signal.aborted) release();
      request.signal.addEventListener('abort', release, { once: true });
      return untilEnd(response, release);
    },
  };
}

/** What may be a subscription, from a request that stays readable; undefined for anything else. */
async function bodyOf(request: Request): Promise<unknown> {
  // Newer clients name the method in a header, too; the SDK refuses what does not agree.
  if (request.method !== 'POST' || request.headers.get('mcp-method') !== 'subscriptions/listen') return undefined;
  const body = await readRequestBody(request.clone(), longestBody);
  try {
    return body.tooLarge ? undefined : JSON.parse(body.text);
  } catch {
    return undefined;
  }
}

/** The same answer; `ended` is called when its stream is over, whoever ended it. */
function untilEnd(response: Response, ended: () => void): Response {
  if (response.body === null) {
    ended();
    return response;
  }
  const reader = response.body.getReader();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      ended();
    },
    async cancel(reason) {
      ended();
      await reader.cancel(reason);
    },
  });
  return new Response(stream, { status: response.status, headers: response.headers });
}
