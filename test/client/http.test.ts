import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttp, type Http, type HttpRequest, type HttpTarget } from '../../src/client/http.ts';
import type { SkybackupError } from '../../src/contract/errors.ts';
import { registerSecret } from '../../src/contract/redact.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { failure } from '../failure.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const list: HttpRequest = { method: 'GET', path: '/provisioning/v1/services' };
const start: HttpRequest = { method: 'POST', path: '/provisioning/v1/services/dbtgf28044362/start' };

async function cloudHttp(target: Partial<HttpTarget> = {}): Promise<{ cloud: CloudDouble; http: Http }> {
  const cloud = await startCloudDouble();
  const http = createHttp({
    kind: 'cloud',
    url: cloud.url,
    baseUrl: cloud.url,
    keySetting: 'SKYSQL_API_KEY',
    headers: { 'x-api-key': cloud.key },
    ...target,
  });
  open.push(http, cloud);
  return { cloud, http };
}

describe('retries', () => {
  test.each([429, 500, 502, 503, 504])('GET gets past two answers of %d, in three tries', async (status) => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ status, times: 2 });
    expect((await http.request(list)).status).toBe(200);
    expect(cloud.requests).toHaveLength(3);
  });

  test('three tries are all', async () => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ status: 503, times: 9, message: 'Under maintenance.' });
    expect(await failure(http.request(list))).toMatchObject({
      code: 'unavailable',
      status: 503,
      retryable: true,
      traceId: 'b1946ac92492d2347c6235b4d2611184',
      message: expect.stringContaining('Under maintenance'),
    });
    expect(cloud.requests).toHaveLength(3);
  });

  test.each([400, 401, 403, 404, 409, 413, 501])('GET is not repeated on %d', async (status) => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ status });
    expect((await failure(http.request(list))).status).toBe(status);
    expect(cloud.requests).toHaveLength(1);
  });

  test.each([
    ['500', { status: 500 }, 1],
    ['502', { status: 502 }, 1],
    ['503', { status: 503 }, 1],
    ['503 with Retry-After', { status: 503, retryAfter: '0' }, 2],
    ['429', { status: 429 }, 2],
    ['a connection that breaks after it was carried out', { reset: 'after' as const }, 1],
    ['an answer that breaks off', { truncate: 'connection' as const, body: '{"a":"bcdefgh"}' }, 1],
  ])('POST on %s', async (_, fault, expected) => {
    const { cloud, http } = await cloudHttp();
    cloud.fault(fault);
    const outcome = await http.request(start).catch((error: SkybackupError) => error);
    expect(cloud.requests).toHaveLength(expected);
    if (expected === 2) expect(outcome).toMatchObject({ status: 200 });
    else expect(outcome).toMatchObject({ hint: expect.stringContaining('may have been carried out') });
  });

  test.each([{ reset: 'before' as const }, { reset: 'after' as const }, { truncate: 'connection' as const }])(
    'GET is repeated when the connection breaks: %o',
    async (fault) => {
      const { cloud, http } = await cloudHttp();
      cloud.fault(fault);
      expect((await http.request(list)).body).toHaveLength(3);
      expect(cloud.requests).toHaveLength(2);
    },
  );

  test('a Retry-After beyond the deadline is told at once', async () => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ status: 429, retryAfter: '3600' });
    expect(await failure(http.request(list))).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 3600 });
    expect(cloud.requests).toHaveLength(1);
  });
});

describe('time', () => {
  test('the deadline bounds the call with all its tries', async () => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ hang: true, times: 9 });
    expect((await failure(http.request({ ...list, deadlineMs: 1500 }))).code).toBe('timeout');
    expect(cloud.requests.length).toBeGreaterThan(1);
    cloud.requests.length = 0;
    const error = await failure(http.request({ ...start, deadlineMs: 300 }));
    expect(error).toMatchObject({ code: 'timeout', retryable: false });
    expect(error.hint).toContain('may have been carried out');
    expect(cloud.requests).toHaveLength(1);
  });

  test('an abort ends a request in flight, a wait, and one not yet begun', async () => {
    const { cloud, http } = await cloudHttp();
    const abort = new AbortController();
    cloud.fault({ hang: true });
    const hanging = failure(http.request({ ...start, signal: abort.signal }));
    while (cloud.requests.length === 0) await new Promise(setImmediate);
    abort.abort();
    expect(await hanging).toMatchObject({ code: 'cancelled', hint: expect.stringContaining('carried out') });

    const second = new AbortController();
    cloud.fault({ status: 429, retryAfter: '20', times: 9 });
    const waiting = failure(http.request({ ...list, signal: second.signal }));
    while (cloud.requests.length < 2) await new Promise(setImmediate);
    setImmediate(() => second.abort());
    expect((await waiting).code).toBe('cancelled');

    expect((await failure(http.request({ ...list, signal: second.signal }))).code).toBe('cancelled');
    expect(cloud.requests).toHaveLength(2);
  });
});

describe('answers that are not as they should be', () => {
  test('401 names the setting of the key, 403 the role', async () => {
    const { cloud, http } = await cloudHttp({ headers: { 'x-api-key': 'wrong' } });
    expect(await failure(http.request(list))).toMatchObject({
      code: 'unauthorized',
      hint: expect.stringContaining('SKYSQL_API_KEY'),
    });
    cloud.fault({ status: 403, path: /schedules/ });
    expect(await failure(http.request({ method: 'DELETE', path: '/skybackup/v1/backups/schedules/1' }))).toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('Administrator role'),
    });
  });

  test('web pages, plain text, cut and empty bodies', async () => {
    const { cloud, http } = await cloudHttp();
    cloud.fault({ html: true, times: 3 });
    expect((await failure(http.request(list))).message).toContain('with a web page titled "Bad gateway"');
    cloud.fault({ html: true, status: 404 });
    expect(await failure(http.request(list))).toMatchObject({
      code: 'bad_answer',
      hint: expect.stringContaining('URL'),
    });
    cloud.fault({ html: true, status: 200 });
    expect(await failure(http.request(list))).toMatchObject({ code: 'bad_answer', retryable: true });
    cloud.fault({ html: true, status: 200 });
    expect(await failure(http.request(start))).toMatchObject({ code: 'bad_answer', retryable: false });
    cloud.fault({ status: 400, truncate: 'json' });
    expect(await failure(http.request(list))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('{"code":400'),
    });
    cloud.fault({ status: 400, body: 'no such thing' });
    expect((await failure(http.request(list))).message).toContain('no such thing');
    cloud.fault({ status: 400, body: '' });
    expect((await failure(http.request(list))).message).toContain('HTTP 400');
    cloud.fault({ status: 400, body: '{"message":"top level"}' });
    expect((await failure(http.request(list))).message).toContain('top level');
    cloud.fault({ truncate: 'json' });
    expect((await failure(http.request(list))).code).toBe('bad_answer');
    cloud.fault({ body: '' });
    expect((await http.request(list)).body).toBeUndefined();
  });

  test('a time as text, several errors, secrets and control characters in the body', async () => {
    registerSecret('s3cr3t-of-this-test');
    const { cloud, http } = await cloudHttp();
    const errors = [
      { error: 'a', message: 'first\u001b[31m\nline' },
      { error: 'b' },
      { message: 's3cr3t-of-this-test' },
    ];
    cloud.fault({ status: 400, body: JSON.stringify({ code: 400, timestamp: '1711473537', errors }) });
    const { message } = await failure(http.request(list));
    expect(message).toContain('first [31m line; b; [redacted]');
  });

  test('a redirect is not followed: it would carry the key along', async () => {
    const { http, seen } = await serverHttp((request, response) => {
      response.writeHead(307, { location: `http://${request.headers.host}/elsewhere` }).end();
    });
    expect(await failure(http.request(list))).toMatchObject({ code: 'bad_answer', retryable: false });
    expect(seen).toEqual(['/provisioning/v1/services']);
  });

  test('an endless answer is cut off', async () => {
    const { http } = await serverHttp((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20))) {}
      };
      response.on('drain', more);
      more();
    });
    expect(await failure(http.request(list))).toMatchObject({
      code: 'bad_answer',
      message: expect.stringContaining('larger'),
    });
  });

  test('nobody there: tried again, then named', async () => {
    const http = createHttp({
      kind: 'cloud',
      url: 'http://127.0.0.1:1',
      baseUrl: 'http://127.0.0.1:1',
      keySetting: undefined,
      headers: {},
    });
    open.push(http);
    expect(await failure(http.request(start))).toMatchObject({
      code: 'unreachable',
      message: 'http://127.0.0.1:1 cannot be reached (ECONNREFUSED).',
    });
  });
});

describe("a daemon's answers", () => {
  test('become the same error again: code, message, hint, details, trace', async () => {
    const { http } = await serverHttp((_, response) => {
      const error = {
        error: 'no_space',
        message: '5 GB are missing on /srv.',
        solution: 'Free them.',
        details: { needed: 5 },
      };
      response.writeHead(409).end(JSON.stringify({ code: 409, trace_id: 't-1', errors: [error] }));
    });
    expect(await failure(http.request(start))).toMatchObject({
      code: 'no_space',
      status: 409,
      message: '5 GB are missing on /srv.',
      hint: 'Free them.',
      details: { needed: 5 },
      traceId: 't-1',
    });
  });

  test('say whether to try again, and where they do not the code does', async () => {
    for (const [retryable, told] of [
      [undefined, true],
      [true, true],
      [false, false],
    ]) {
      const { http } = await serverHttp((_, response) => {
        const error = { error: 'conflict', message: 'No.', ...(retryable === undefined ? {} : { retryable }) };
        response.writeHead(409).end(JSON.stringify({ code: 409, errors: [error] }));
      });
      expect(await failure(http.request(start))).toMatchObject({ code: 'conflict', retryable: told });
    }
  });

  test('a Unix socket is a target, and one without a listener is not waited for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skb-http-'));
    open.push({ close: () => rmSync(folder, { recursive: true }) });
    const socketPath = join(folder, 's');
    const target = {
      kind: 'daemon' as const,
      url: `unix:${socketPath}`,
      baseUrl: 'http://skybackup',
      socketPath,
      keySetting: undefined,
      headers: {},
    };
    const http = createHttp(target);
    open.push(http);
    expect(await failure(http.request(list))).toMatchObject({ code: 'unreachable', details: { code: 'ENOENT' } });
    const server = createServer((_, response) => response.end('[1]')).listen(socketPath);
    open.push(server);
    await once(server, 'listening');
    expect((await http.request(list)).body).toEqual([1]);
  });
});

async function serverHttp(listener: RequestListener): Promise<{ http: Http; seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url);
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  const http = createHttp({
    kind: 'daemon',
    url,
    baseUrl: url,
    keySetting: 'SKYBACKUP_API_KEY',
    headers: {},
    maxResponseBytes: 100_000,
  });
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  open.push(http, { close });
  return { http, seen };
}
