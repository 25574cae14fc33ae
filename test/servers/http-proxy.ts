import { createServer, type IncomingMessage, request as send } from 'node:http';

export interface OwnAnswer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

export interface HttpProxy {
  readonly port: number;
  /** What came, in order: `PUT /bucket/key?partNumber=1…`, whoever answered. */
  readonly requests: string[];
  /** Answers instead of the server, where it returns something. */
  answer: (request: IncomingMessage) => OwnAnswer | undefined | Promise<undefined>;
  /** Whether the server's answer is lost: it has done what was asked, and the connection breaks. */
  lose: (request: IncomingMessage) => boolean;
  /** Sees, and may change, what the server answered. */
  headers: (headers: IncomingMessage['headers']) => void;
  stop(): Promise<void>;
}

/** A proxy on 127.0.0.1 that passes requests on as they are, signatures too, and can answer some of them by itself. */
export async function startHttpProxy(target: number): Promise<HttpProxy> {
  const server = createServer(async (request, response) => {
    proxy.requests.push(`${request.method} ${request.url}`);
    const own = await proxy.answer(request);
    if (own !== undefined) {
      // A client that is still sending its body must hear the answer.
      request.resume().once('end', () => response.writeHead(own.status, own.headers).end(own.body));
      return;
    }
    const passed = send(
      {
        host: '127.0.0.1',
        port: target,
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent: false,
      },
      (answer) => {
        if (proxy.lose(request)) {
          answer.resume().once('end', () => response.destroy());
          return;
        }
        proxy.headers(answer.headers);
        response.sendDate = false;
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        // The S3 server of the tests ends an answer to HEAD as if it had a body, which then looks broken.
        if (request.method === 'HEAD') response.end();
        else answer.on('error', () => response.destroy()).pipe(response);
      },
    );
    passed.on('error', () => response.writableEnded || response.destroy());
    // Its client may go; `pipeline` would take the connection away after a request without a body.
    request.on('error', () => passed.destroy()).pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const proxy: HttpProxy = {
    port: address.port,
    requests: [],
    answer: () => undefined,
    lose: () => false,
    headers: () => {},
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
