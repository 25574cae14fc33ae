import { request as send } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type HttpDaemon, startHttpDaemon } from '../mcp/http-daemon.ts';
import { eras } from '../mcp/raw-client.ts';
import { startDaemon } from '../servers/daemon.ts';

const ping = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const modern = { ...ping, params: { _meta: meta } };
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };

let http: HttpDaemon;
beforeAll(async () => {
  http = await startHttpDaemon();
});
afterEach(() => http.closeClients());
afterAll(() => http.daemon.dispose());

interface Answer {
  status: number;
  text: string;
  header(name: string): string | undefined;
}

/** One request as it stands: `undici` alone lets a test name another Host. */
async function post(body: unknown, headers: Record<string, string> = {}, method = 'POST', path = ''): Promise<Answer> {
  const raw = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const answer = await send(`${http.url}${path}`, {
    method: method as 'POST',
    headers: {
      'x-api-key': http.keys.administrator,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: raw ?? null,
  });
  return {
    status: answer.statusCode,
    text: await answer.body.text(),
    header: (name) => answer.headers[name]?.toString(),
  };
}

const works = async (): Promise<void> => expect((await post(modern, modernHeaders)).status).toBe(200);

describe('in front of MCP', () => {
  it.each([
    ['a name its owner made lead here', { host: 'evil.example' }, 403],
    ['a page of another origin', { origin: 'http://evil.example' }, 403],
    ['a page of an address', { origin: 'http://6.6.6.6:8350' }, 403],
    ['a page of no origin', { origin: 'null' }, 403],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['localhost', { host: 'localhost' }, 200],
  ])('%s is told apart, whatever its key', async (_, headers, status) => {
    expect((await post(modern, { ...modernHeaders, ...headers })).status).toBe(status);
  });

  it('its own origin is none other', async () => {
    expect((await post(modern, { ...modernHeaders, origin: new URL(http.url).origin })).status).toBe(200);
  });

  it('a request without a key, or with a wrong one, is told how keys are sent', async () => {
    for (const key of ['', 'wrong', `${http.keys.viewer}x`]) {
      for (const headers of [{ 'x-api-key': key }, { 'x-api-key': '', authorization: `Bearer ${key}` }]) {
        const refused = await post(modern, { ...modernHeaders, ...headers });
        expect(refused.status).toBe(401);
        expect(refused.header('www-authenticate')).toBe('Bearer realm="skybackup"');
        expect(refused.text).toContain('unauthorized');
      }
    }
  });

  it('on its socket the daemon knows its owner without a key, and a key’s holder by it', async () => {
    const headers = { accept: 'application/json, text/event-stream', ...modernHeaders };
    const names = async (more: Record<string, string>): Promise<string> =>
      JSON.stringify((await http.daemon.request('POST', '/mcp', modern, { ...headers, ...more })).body);
    expect(await names({})).toContain('"restore_backup"');
    expect(await names({ 'x-api-key': http.keys.viewer })).not.toContain('"restore_backup"');
  });

  it('requests are counted with all others of their key', async () => {
    const strict = await startDaemon({ args: ['--listen', '127.0.0.1:0', '--requests-per-minute', '5'] });
    try {
      const { key } = await strict.api.daemon.createKey({ role: 'viewer' });
      const ask = (): Promise<Response> =>
        fetch(`${strict.url()}/mcp`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            ...modernHeaders,
          },
          body: JSON.stringify(modern),
        });
      for (let i = 0; i < 5; i += 1) expect((await ask()).status).toBe(200);
      const refused = await ask();
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await strict.dispose();
    }
  });
});

describe('a hostile request', () => {
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const other = { ...modern, params: { _meta: { ...meta, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } } };
  it.each<[string, unknown, Record<string, string>, number, RegExp]>([
    ['of more than a megabyte', { ...modern, junk: 'x'.repeat(1_100_000) }, modernHeaders, 413, /too_large/],
    ['that is no JSON', '{"jsonrpc": "2.0", ', {}, 400, /-32700|-32000/],
    ['without a body', undefined, {}, 400, /-32700|-32000/],
    ['that is no message', '"tools/list"', {}, 400, /-326|-327|-320/],
    ['nested without end', nested, {}, 400, /-326|-327|-320/],
    ['with members of every object', '{"__proto__":{"method":"tools/list"},"constructor":1}', {}, 400, /-32/],
    ['in a batch with none of its own', [modern, modern], modernHeaders, 400, /-32/],
    ['in a batch without a session', [ping, ping], {}, 400, /-32000/],
    ['that is text', 'tools/list', { 'content-type': 'text/plain' }, 415, /Content-Type/],
    ['whose header names another method', modern, { ...modernHeaders, 'mcp-method': 'tools/call' }, 400, /-32020/],
    ['without the headers of its protocol', modern, {}, 400, /-32/],
    ['of a protocol to come', other, { ...modernHeaders, 'mcp-protocol-version': '2099-01-01' }, 400, /2026-07-28/],
    ['that names no session', ping, {}, 400, /not initialized/],
    ['that invents a session', ping, { 'mcp-session-id': '../../etc/passwd' }, 404, /Session not found/],
  ])('%s is refused', async (_, body, headers, status, words) => {
    const refused = await post(body, headers);
    expect(refused.text).toMatch(words);
    expect(refused.status).toBe(status);
    await works();
  });

  it.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD'])('by %s is none of the protocol’s', async (method) => {
    expect((await post(undefined, {}, method)).status).toBe(404);
    await works();
  });

  it('with a query says what is wrong with it', async () => {
    expect(await post(modern, modernHeaders, 'POST', '?key=1')).toMatchObject({ status: 400 });
  });
});

describe('a key that is revoked in the middle', () => {
  it.each(eras)('opens nothing any more, and what it had open ends (%s)', async (era) => {
    const { id, key } = await http.daemon.api.daemon.createKey({ role: 'administrator' });
    const client = await http.client(era, http.at(key));
    expect(await client.call('list_services', {})).toMatchObject({ isError: false });
    const waiting = client.ask('delete_schedule', { id: await http.newSchedule() });
    await expect
      .poll(async () =>
        (await http.daemon.api.daemon.listPlans()).some(({ requested_by }) => requested_by.includes(id)),
      )
      .toBe(true);
    const asking = await waiting;
    await http.daemon.api.daemon.revokeKey(id);
    expect((await client.call('list_services', {})).error?.code).toBe(401);
    if (era === 'modern') expect((await asking.answer('accept', { typed_id: '1' })).error?.code).toBe(401);
  });

  it('closes the stream on which its client waits for news', async () => {
    const { id, key } = await http.daemon.api.daemon.createKey({ role: 'viewer' });
    const client = await http.client('legacy', http.at(key));
    const headers = { 'x-api-key': key, 'mcp-session-id': client.http?.session ?? '', accept: 'text/event-stream' };
    const stream = await fetch(http.url, { headers });
    expect(stream.status).toBe(200);
    await http.daemon.api.daemon.revokeKey(id);
    expect(await stream.text()).not.toContain('data:');
  });
});

it('no key and no session reaches the log', async () => {
  const client = await http.client('legacy');
  await client.call('delete_schedule', { id: 987_654 });
  await post('{"broken', { 'mcp-session-id': client.http?.session ?? '' });
  const log = http.daemon.log();
  expect(log).toContain('"route":"/mcp"');
  for (const secret of [...Object.values(http.keys), client.http?.session ?? '-']) expect(log).not.toContain(secret);
});

describe('the settings of the daemon', () => {
  it.each<[string, Record<string, string>, (text: string) => void]>([
    ['only read', { SKYBACKUP_READ_ONLY: '1' }, (text) => expect(text).toContain('not found')],
    ['hide services', { SKYBACKUP_SERVICES: 'other' }, (text) => expect(text).toContain('no service shop')],
    ['want another key', { SKYBACKUP_CONFIRM: 'strict' }, (text) => expect(text).toContain('approver key')],
  ])('%s over HTTP, too, whoever asks', async (_, env, check) => {
    const guarded = await startHttpDaemon(env);
    try {
      const client = await guarded.client('modern');
      const reply = await client.call('stop_service', { service: 'shop' });
      check(reply.error?.message ?? reply.text);
      expect((await guarded.daemon.api.getService('shop')).status).not.toBe('stopped');
    } finally {
      await guarded.closeClients();
      await guarded.daemon.dispose();
    }
  });
});

describe('the end of the daemon', () => {
  /** A session with a stream open; the result is the stream's end. */
  async function listen(url: string, key: string): Promise<{ ended: Promise<unknown>; ask(): Promise<number> }> {
    const headers = { authorization: `Bearer ${key}`, accept: 'application/json, text/event-stream' };
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const json = { ...headers, 'content-type': 'application/json' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const opened = await fetch(url, { method: 'POST', headers: json, body });
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    const stream = await fetch(url, { headers: { ...headers, ...session } });
    expect(stream.status).toBe(200);
    return {
      ended: stream.text().catch(() => 'cut off'),
      async ask() {
        const asked = await fetch(url, {
          method: 'POST',
          headers: { ...json, ...session },
          body: JSON.stringify(ping),
        });
        await asked.text();
        return asked.status;
      },
    };
  }

  it('a stream does not keep one alive that a client started; a call does', async () => {
    // It asks as fast as it can, which is more than a key may.
    const args = ['--listen', '127.0.0.1:0', '--started-by', 'client', '--idle-minutes', '0.05'];
    args.push('--requests-per-minute', '1000000');
    const daemon = await startDaemon({ args });
    try {
      const { key } = await daemon.api.daemon.createKey({ role: 'viewer' });
      const session = await listen(`${daemon.url()}/mcp`, key);
      for (const until = performance.now() + 6000; performance.now() < until; ) expect(await session.ask()).toBe(200);
      expect(await daemon.exit).toBe(0);
      await session.ended;
    } finally {
      await daemon.dispose();
    }
  });

  it('closes sessions and streams at once', async () => {
    const daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
    try {
      const { key } = await daemon.api.daemon.createKey({ role: 'viewer' });
      const session = await listen(`${daemon.url()}/mcp`, key);
      expect(await daemon.stop()).toBe(0);
      expect(await session.ended).toBe(': open\n\n');
      expect(daemon.log()).not.toContain('cut off');
    } finally {
      await daemon.dispose();
    }
  });
});
