import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from 'undici';
import { SkybackupError } from '../contract/errors.ts';
import { claimedClientHeaders } from './claimed-client.ts';
import { brokenTry, cancelled, FailedTry, unknowing } from './failed-try.ts';
import { failureOf, type Peer, shorten } from './http-failure.ts';
import { mayRepeat, parseRetryAfter, retryDelay } from './retry.ts';

export interface HttpTarget extends Peer {
  /** Where requests go; on a socket any `http://` name. */
  baseUrl: string;
  socketPath?: string;
  headers: Record<string, string>;
  /** An answer's body beyond this many bytes is refused. Default 16 MiB. */
  maxResponseBytes?: number;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below the base, already encoded. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Of a POST that only asks: it may be repeated like a GET. */
  asks?: boolean;
  signal?: AbortSignal | undefined;
  /** Bounds the whole call, retries included. Default 30,000. */
  deadlineMs?: number | undefined;
}

export interface HttpAnswer {
  status: number;
  header(name: string): string | undefined;
  /** Parsed JSON; undefined for an empty body. */
  body: unknown;
}

export interface Http {
  /** Throws `SkybackupError` for everything but a 2xx answer with a JSON or an empty body. */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** The server's own time, by the `Date` of its last answer; undefined before the first, and where it does not tell. */
  now?(): number | undefined;
  close(): Promise<void>;
}

/** An HTTP client for one target: JSON both ways, deadline, retries by `retry.ts`. Nothing is opened before the first request. */
export function createHttp(target: HttpTarget): Http {
  let agent: Promise<Agent> | undefined;
  const open = (): Promise<Agent> => {
    // Loaded late: a server that is only probed must start fast.
    agent ??= import('undici').then(
      ({ Agent }) =>
        new Agent({
          connect: { timeout: 10_000, ...(target.socketPath === undefined ? {} : { socketPath: target.socketPath }) },
          maxResponseSize: target.maxResponseBytes ?? 16 * 1024 * 1024,
        }),
    );
    return agent;
  };

  let aheadMs: number | undefined;
  const noteTime = (itsNow: number): void => {
    aheadMs = itsNow - Date.now();
  };
  // A limiter means all calls to its server: until then none of this process goes out.
  let quietUntil = 0;

  async function request(wanted: HttpRequest): Promise<HttpAnswer> {
    const { method, signal } = wanted;
    const deadline = performance.now() + (wanted.deadlineMs ?? 30_000);
    const pause = (ms: number): Promise<void> =>
      sleep(ms, undefined, signal ? { signal } : {}).catch(() => {
        throw cancelled(method, false);
      });
    for (let failedTries = 0; ; ) {
      const quietMs = quietUntil - performance.now();
      // Spread out, so that those who waited do not all come at once.
      if (quietMs > 0 && quietMs < deadline - performance.now()) await pause(quietMs + Math.random() * 250);
      const remainingMs = deadline - performance.now();
      try {
        return await tryOnce(await open(), target, wanted, remainingMs, noteTime);
      } catch (error) {
        if (!(error instanceof FailedTry)) throw error;
        failedTries += 1;
        // A local socket without a listener needs a daemon, not patience.
        const patient = !(error.failure.kind === 'unconnected' && target.socketPath !== undefined);
        const delay =
          patient && mayRepeat(wanted.asks ? 'GET' : method, error.failure)
            ? retryDelay({
                failedTries,
                remainingMs: deadline - performance.now(),
                retryAfterMs: error.failure.kind === 'status' ? error.failure.retryAfterMs : undefined,
              })
            : undefined;
        if (delay === undefined) throw error.error;
        if (error.failure.kind === 'status' && error.failure.status === 429)
          quietUntil = Math.max(quietUntil, performance.now() + delay);
        await pause(delay);
      }
    }
  }

  return {
    request,
    now: () => (aheadMs === undefined ? undefined : Date.now() + aheadMs),
    close: async () => {
      await (await agent)?.destroy();
      agent = undefined;
    },
  };
}

async function tryOnce(
  agent: Agent,
  target: HttpTarget,
  wanted: HttpRequest,
  remainingMs: number,
  noteTime: (itsNow: number) => void,
): Promise<HttpAnswer> {
  const { method, path, body, signal } = wanted;
  if (signal?.aborted) throw cancelled(method, false);
  // A GET that hangs gets a second chance; another verb gets all the time there is, since it will not be repeated.
  const tryMs = Math.max(
    1,
    Math.floor(method === 'GET' || wanted.asks ? Math.max(remainingMs / 2, Math.min(remainingMs, 1000)) : remainingMs),
  );
  const patience = AbortSignal.timeout(tryMs);
  const url = new URL(`${target.baseUrl}${path}${queryText(wanted.query)}`);
  let status: number | undefined;
  try {
    const response = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...target.headers,
        ...(target.kind === 'daemon' ? claimedClientHeaders() : {}),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    status = response.statusCode;
    const header = (name: string): string | undefined => {
      const value = response.headers[name.toLowerCase()];
      return Array.isArray(value) ? value[0] : value;
    };
    const itsNow = Date.parse(header('date') ?? '');
    if (!Number.isNaN(itsNow)) noteTime(itsNow);
    const text = await response.body.text();
    if (status >= 300) {
      const retryAfterMs = parseRetryAfter(header('retry-after'), Number.isNaN(itsNow) ? undefined : itsNow);
      const error = failureOf({ status, method, path, text, retryAfterMs, location: header('location') }, target);
      throw new FailedTry({ kind: 'status', status, retryAfterMs }, error);
    }
    return { status, header, body: parse(text, wanted, target) };
  } catch (error) {
    if (error instanceof FailedTry || error instanceof SkybackupError) throw error;
    if (signal?.aborted) throw cancelled(method, true);
    throw brokenTry(error, wanted, target, { timedOut: patience.aborted, status });
  }
}

function parse(text: string, { method, path }: HttpRequest, target: HttpTarget): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = text.trimStart().startsWith('<') ? 'a web page' : `something that is not JSON: ${shorten(text, 80)}`;
    throw new SkybackupError('bad_answer', `${target.url} answered ${method} ${path} with ${what}.`, {
      cause,
      // It said yes: repeating a change because its answer cannot be read would make it twice.
      ...unknowing(method),
    });
  }
}

function queryText(query: HttpRequest['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
