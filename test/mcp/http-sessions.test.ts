import { McpServer } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpCaller } from '../../src/mcp/http/callers.ts';
import type { SessionLimits } from '../../src/mcp/http/sessions.ts';
import { type HttpEntry, startHttpEntry } from './http-entry.ts';
import { RawClient } from './raw-client.ts';

/** Of the tool `hang`, which waits until its call is cancelled. */
let started: PromiseWithResolvers<void>;
let cancelled: PromiseWithResolvers<void>;
let entry: HttpEntry | undefined;
const clients: RawClient[] = [];
beforeEach(() => {
  started = Promise.withResolvers();
  cancelled = Promise.withResolvers();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close().catch(() => undefined)));
  await entry?.close();
  entry = undefined;
});

function hangingServer(): McpServer {
  const server = new McpServer({ name: 'hanging', version: '1' });
  server.registerTool('hang', { description: 'Waits' }, async (ctx) => {
    started.resolve();
    await new Promise((resolve) => ctx.mcpReq.signal.addEventListener('abort', resolve));
    cancelled.resolve();
    return { content: [] };
  });
  return server;
}

const serve = async (limits: Partial<SessionLimits> = {}): Promise<HttpEntry> => {
  entry = await startHttpEntry(hangingServer, limits);
  return entry;
};
const as = (who: string) => ({ url: entry?.url ?? '', headers: { 'x-who': who } });
async function connect(who: string): Promise<RawClient> {
  const client = await RawClient.start(as(who), 'legacy');
  clients.push(client);
  return client;
}
/** Whether a session answers its holder. */
async function status(session: string | undefined, who: string): Promise<number> {
  const { headers } = as(who);
  const answer = await fetch(entry?.url ?? '', {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(session === undefined ? {} : { 'mcp-session-id': session }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 77, method: 'ping' }),
  });
  await answer.text();
  return answer.status;
}
const sessions = (): number => entry?.http.sessionCount() ?? 0;

describe('a session', () => {
  it('is its opener’s: to others it is as unknown as one that never was', async () => {
    await serve();
    const { http } = await connect('ann');
    expect(http?.session).toMatch(/^[\x21-\x7e]{20,}$/);
    expect(await status(http?.session, 'ann')).toBe(200);
    expect(await status(http?.session, 'bob')).toBe(404);
    expect(await status('00000000-0000-4000-8000-000000000000', 'ann')).toBe(404);
    const stolen = { method: 'DELETE', headers: { 'x-who': 'bob', 'mcp-session-id': http?.session ?? '' } };
    expect((await fetch(entry?.url ?? '', stolen)).status).toBe(404);
    expect(await status(http?.session, 'ann')).toBe(200);
  });

  it('ends when its client says so, and the calls in it are cancelled', async () => {
    await serve();
    const client = await connect('ann');
    client.request('tools/call', { name: 'hang', arguments: {} });
    await started.promise;
    await client.close();
    await cancelled.promise;
    expect(await status(client.http?.session, 'ann')).toBe(404);
    expect(sessions()).toBe(0);
  });

  it('ends when it is not used, but not while a stream of it is open', async () => {
    await serve({ idleMs: 300 });
    const [quiet, listening] = [await connect('ann'), await connect('ann')];
    const closing = new AbortController();
    const stream = await fetch(entry?.url ?? '', {
      headers: { 'x-who': 'ann', 'mcp-session-id': listening.http?.session ?? '', accept: 'text/event-stream' },
      signal: closing.signal,
    });
    expect(stream.status).toBe(200);
    await expect.poll(() => sessions()).toBe(1);
    expect(await status(quiet.http?.session, 'ann')).toBe(404);
    expect(await status(listening.http?.session, 'ann')).toBe(200);
    closing.abort();
    await expect.poll(() => sessions()).toBe(0);
  });

  it('is not begun by what is no initialize', async () => {
    await serve();
    expect(await status(undefined, 'ann')).toBe(400);
    expect(sessions()).toBe(0);
  });
});

describe('the number of sessions', () => {
  it('of one principal is limited: a new one takes the place of the one that was used least lately', async () => {
    await serve({ sessionsOfOne: 2 });
    const [first, second] = [await connect('ann'), await connect('ann')];
    const other = await connect('bob');
    for (const used of [second, first]) expect(await status(used.http?.session, 'ann')).toBe(200);
    const third = await connect('ann');
    expect(await status(second.http?.session, 'ann')).toBe(404);
    for (const kept of [first, third]) expect(await status(kept.http?.session, 'ann')).toBe(200);
    expect(await status(other.http?.session, 'bob')).toBe(200);
  });

  it('of one principal is limited when all are in use, too: the new one is refused', async () => {
    await serve({ sessionsOfOne: 1 });
    const first = await connect('ann');
    first.request('tools/call', { name: 'hang', arguments: {} });
    await started.promise;
    const refused = await connect('ann');
    expect(refused.http?.session).toBeUndefined();
    expect(await status(undefined, 'ann')).toBe(429);
    expect(await status(undefined, 'bob')).toBe(400);
  });

  it('of all principals is limited, and nobody takes another’s place; nor do many at once get past', async () => {
    await serve({ sessions: 3 });
    const first = await connect('ann');
    await Promise.all(Array.from({ length: 8 }, (_, i) => connect(`other ${i}`)));
    expect(sessions()).toBe(3);
    expect(await status(first.http?.session, 'ann')).toBe(200);
    expect(await status(undefined, 'bob')).toBe(503);
  });
});

describe('streams of changes', () => {
  const listening = (signal: AbortSignal) => ({
    method: 'POST',
    signal,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  });
  const caller = (principal: string): HttpCaller => ({
    principal,
    key: undefined,
    socket: '',
    operations: [],
    mayApprove: false,
  });

  it('of one principal are limited, so that all others have theirs', async () => {
    const { http } = await serve();
    const { signal } = new AbortController();
    const listen = (who: string) => http.fetch(new Request('http://x/mcp', listening(signal)), caller(who));
    const all = await Promise.all(Array.from({ length: 300 }, () => listen('ann')));
    expect(all.filter((answer) => answer.status === 200)).toHaveLength(32);
    expect(all.filter((answer) => answer.status === 429)).toHaveLength(268);
    expect((await listen('bob')).headers.get('content-type')).toBe('text/event-stream');
  });

  it('of clients that went away before they began count no more', async () => {
    const { http } = await serve();
    const listen = (signal: AbortSignal) => http.fetch(new Request('http://x/mcp', listening(signal)), caller('ann'));
    for (let n = 0; n < 300; n += 1) await listen(AbortSignal.abort()).catch(() => undefined);
    expect((await listen(new AbortController().signal)).headers.get('content-type')).toBe('text/event-stream');
  });
});

describe('a call of the newer protocol', () => {
  it('is cancelled by closing its exchange', async () => {
    await serve();
    const client = await RawClient.start(as('ann'), 'modern');
    const { id } = client.request('tools/call', { name: 'hang', arguments: {} });
    await started.promise;
    client.notify('notifications/cancelled', { requestId: id });
    await cancelled.promise;
    expect(sessions()).toBe(0);
  });

  it.each(['legacy', 'modern'] as const)('ends with its principal, in the older one too (%s)', async (era) => {
    await serve();
    const client = await RawClient.start(as('ann'), era);
    clients.push(client);
    client.request('tools/call', { name: 'hang', arguments: {} });
    await started.promise;
    await entry?.http.forget('bob');
    await entry?.http.forget('ann');
    await cancelled.promise;
    expect(sessions()).toBe(0);
  });

  it.each(['legacy', 'modern'] as const)('ends when all is closed (%s)', async (era) => {
    await serve();
    const client = await RawClient.start(as('ann'), era);
    clients.push(client);
    client.request('tools/call', { name: 'hang', arguments: {} });
    await started.promise;
    await entry?.http.close();
    await cancelled.promise;
  });
});
