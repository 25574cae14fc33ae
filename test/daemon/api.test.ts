import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Healthz } from '../../src/contract/health.ts';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';

const base = '/skybackup/v1';
let daemon: TestDaemon;
let tcp: string;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  tcp = daemon.url();
});
afterAll(() => daemon.dispose());

/** One request over TCP, as anyone on the network could send it. */
async function overTcp(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${tcp}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: {}, body: (await response.json()) as Answer['body'] };
}

describe('what it says of itself', () => {
  it("answers on a socket that is its owner's alone", async () => {
    expect(statSync(daemon.home.socket).mode & 0o777).toBe(0o600);
    expect(statSync(daemon.home.root).mode & 0o777).toBe(0o700);
    const { status, body } = await daemon.request('GET', '/healthz');
    expect(status).toBe(200);
    expect(Healthz.parse(body)).toMatchObject({ ok: true, pid: daemon.pid, idle: true, started_by: 'person' });
  });

  it("lists nothing in a new home, in the contract's shapes", async () => {
    expect((await daemon.request('GET', `${base}/backups`)).body).toEqual({
      backups: [],
      backups_count: 0,
      pages_count: 0,
    });
    expect((await daemon.request('GET', `${base}/backups/schedules`)).body).toEqual({
      schedules: [],
      schedules_count: 0,
      pages_count: 0,
    });
    expect((await daemon.request('GET', `${base}/restores`)).body).toEqual({
      restores: [],
      restores_count: 0,
      pages_count: 0,
    });
    expect((await daemon.request('GET', '/provisioning/v1/services')).body).toEqual([]);
    expect((await daemon.request('GET', `${base}/restores/pointintime/lookup`)).body).toEqual({ services: [] });
  });
});

describe('bad input', () => {
  const colon = `${'a'.repeat(32)}:orders:orders-0`;
  const schedule = { backup_type: 'full', schedule: 'once', service_id: 'nobody' };
  it.each<[string, string, unknown, number, string, RegExp]>([
    ['GET', '/nowhere', undefined, 404, 'not_found', /no part of this API/],
    ['GET', `${base}/%`, undefined, 400, 'invalid_request', /cannot be read/],
    ['PUT', `${base}/backups`, undefined, 404, 'not_found', /no part of this API/],
    ['GET', `${base}/backups?page=0`, undefined, 400, 'invalid_request', /page/],
    ['GET', `${base}/backups?page=one`, undefined, 400, 'invalid_request', /page/],
    ['GET', `${base}/backups?page_size=1000000`, undefined, 400, 'invalid_request', /page_size/],
    ['GET', `${base}/backups?colour=blue`, undefined, 400, 'invalid_request', /colour/],
    ['GET', `${base}/backups?order=sideways`, undefined, 400, 'invalid_request', /order/],
    ['GET', `${base}/backups?page=1&page=2`, undefined, 400, 'invalid_request', /page/],
    ['GET', `${base}/backups/nobody`, undefined, 404, 'not_found', /nobody/],
    ['GET', `${base}/backups/${colon}`, undefined, 404, 'not_found', /no backup/],
    ['GET', `${base}/backups/..%2f..%2fetc%2fpasswd`, undefined, 404, 'not_found', /no service/],
    ['GET', `${base}/backups/%00:x:y`, undefined, 404, 'not_found', /no backup/],
    ['GET', `${base}/backups/${'x'.repeat(5000)}`, undefined, 400, 'invalid_request', /cannot be read/],
    ['GET', `${base}/backups/schedules/abc`, undefined, 404, 'not_found', /no schedule/],
    ['GET', `${base}/backups/schedules/99`, undefined, 404, 'not_found', /no schedule 99/],
    ['GET', `${base}/backups/schedules/1.5`, undefined, 404, 'not_found', /no schedule/],
    ['GET', `${base}/restores/${colon}`, undefined, 404, 'not_found', /no restore/],
    ['DELETE', `${base}/restores/99999999999999999999`, undefined, 404, 'not_found', /no restore/],
    ['GET', `${base}/jobs/-1`, undefined, 404, 'not_found', /no job/],
    ['POST', `${base}/jobs/7/cancel`, undefined, 404, 'not_found', /no job 7/],
    ['GET', `${base}/plans/K7QM-29XD`, undefined, 404, 'not_found', /no such plan/],
    ['POST', `${base}/plans/x/ask`, undefined, 404, 'not_found', /no such plan/],
    ['GET', '/provisioning/v1/services/nobody', undefined, 404, 'not_found', /nobody/],
    ['GET', '/provisioning/v1/services?page_size=0', undefined, 400, 'invalid_request', /page_size/],
    ['POST', '/provisioning/v1/services/nobody/power', { is_active: true }, 404, 'not_found', /nobody/],
    ['POST', '/provisioning/v1/services/nobody/power', { is_active: 'yes' }, 400, 'invalid_request', /is_active/],
    ['POST', `${base}/backups/schedules`, undefined, 400, 'invalid_request', /body/],
    ['POST', `${base}/backups/schedules`, '{"backup_type": ', 400, 'invalid_request', /not valid JSON/],
    ['POST', `${base}/backups/schedules`, '[]', 400, 'invalid_request', /body/],
    ['POST', `${base}/backups/schedules`, 'null', 400, 'invalid_request', /body/],
    ['POST', `${base}/backups/schedules`, '{"__proto__": {"x": 1}}', 400, 'invalid_request', /not valid JSON/],
    ['POST', `${base}/backups/schedules`, { ...schedule, service_id: 7 }, 400, 'invalid_request', /service_id/],
    ['POST', `${base}/backups/schedules`, { ...schedule, colour: 'blue' }, 400, 'invalid_request', /colour/],
    ['POST', `${base}/backups/schedules`, { ...schedule, backup_type: 'whole' }, 400, 'invalid_request', /backup_type/],
    ['POST', `${base}/backups/schedules`, schedule, 404, 'not_found', /nobody/],
    ['PATCH', `${base}/backups/schedules/1`, { suspended: 'yes' }, 400, 'invalid_request', /suspended/],
    ['PATCH', `${base}/backups/schedules/1`, { id: 2 }, 400, 'invalid_request', /id/],
    ['POST', `${base}/restores`, { service_id: 'nobody', id: colon }, 404, 'not_found', /nobody/],
    ['POST', `${base}/restores`, { service_id: 'nobody' }, 400, 'invalid_request', /"id"/],
    ['POST', `${base}/restores`, { service_id: 'nobody', id: colon, key: colon }, 400, 'invalid_request', /only once/],
    [
      'POST',
      `${base}/restores`,
      { service_id: 'n', id: colon, point_in_time: '2026-02-30 00:00:00' },
      400,
      'invalid_request',
      /point_in_time/,
    ],
    [
      'POST',
      `${base}/restores`,
      { target: 'new', id: '/b.gz', external_source: { bucket: 's3://b/', method: 'mariabackup' } },
      400,
      'invalid_request',
      /not the path of a bucket/,
    ],
    ['POST', `${base}/restores/lookup`, { backup_id: colon, service_id: 'nobody' }, 404, 'not_found', /no backup/],
    ['POST', `${base}/plans`, { operation: 'drop_everything', arguments: {} }, 400, 'invalid_request', /operation/],
    ['POST', `${base}/plans`, { operation: 'delete_schedule', arguments: { id: 'x' } }, 400, 'invalid_request', /id/],
    [
      'POST',
      `${base}/plans`,
      { operation: 'delete_schedule', arguments: { id: 5, also: 6 } },
      400,
      'invalid_request',
      /also/,
    ],
    [
      'POST',
      `${base}/plans`,
      { operation: 'delete_schedule', arguments: { id: 5 } },
      404,
      'not_found',
      /no schedule 5/,
    ],
    ['POST', `${base}/keys`, { role: 'god' }, 400, 'invalid_request', /role/],
    ['DELETE', `${base}/keys/none`, undefined, 404, 'not_found', /no key/],
    ['POST', '/provisioning/v1/services', { id: 'Bad Id', control: { kind: 'managed' } }, 400, 'invalid_request', /id/],
    [
      'POST',
      '/provisioning/v1/services',
      { id: '../../etc', control: { kind: 'managed' } },
      400,
      'invalid_request',
      /id/,
    ],
    [
      'POST',
      '/provisioning/v1/services',
      { id: 'orders', control: { kind: 'none' } },
      400,
      'invalid_request',
      /connection/,
    ],
    ['DELETE', '/provisioning/v1/services/nobody', undefined, 404, 'not_found', /nobody/],
  ])('%s %.60s %j → %i %s', async (method, path, body, status, code, words) => {
    const answer = await daemon.request(method, path, body);
    const [error] = answer.body.errors ?? [];
    expect({ status: answer.status, code: error?.error }).toEqual({ status, code });
    expect(error?.message).toMatch(words);
    expect(error?.solution).toBeTruthy();
    expect(answer.body).toMatchObject({ code: status, exception: expect.any(String), path: expect.any(String) });
    expect(answer.body.timestamp).toBeTypeOf('number');
    expect(answer.body.trace_id).toBe(answer.headers['x-trace-id'] ?? answer.body.trace_id);
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/);
  });

  it('refuses a body of ten megabytes, another media type, and a cron that never comes', async () => {
    const large = await daemon
      .request('POST', `${base}/plans`, `{"x": "${'y'.repeat(10_000_000)}"}`)
      .catch(() => undefined);
    // The daemon may close the connection before all was sent; what counts is that it says 413 or hangs up, and lives.
    if (large !== undefined) expect(large).toMatchObject({ status: 413, body: { errors: [{ error: 'too_large' }] } });
    const text = await daemon.request('POST', `${base}/plans`, 'hello', { 'content-type': 'text/plain' });
    expect(text).toMatchObject({ status: 400, body: { errors: [{ error: 'invalid_request' }] } });
    expect((await daemon.request('GET', '/healthz')).status).toBe(200);
  });

  it('survives a request that is no HTTP, one that never ends, and a thousand at once', async () => {
    const socket = connect(daemon.home.socket);
    socket.write('this is not HTTP\r\n\r\n');
    await new Promise((resolve) =>
      socket
        .once('close', resolve)
        .on('error', () => undefined)
        .resume(),
    );
    const endless = connect(daemon.home.socket);
    endless.write(
      `POST ${base}/plans HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    );
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => daemon.request('GET', `${base}/backups/schedules/${index + 1}`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    endless.destroy();
    expect((await daemon.request('GET', '/healthz')).status).toBe(200);
  });
});

describe('keys', () => {
  it('live from creation to revocation, over TCP, in both headers', async () => {
    expect((await overTcp('GET', `${base}/backups`)).status).toBe(401);
    expect((await overTcp('GET', '/healthz')).status).toBe(200);
    const { id, key } = await daemon.api.daemon.createKey({ role: 'administrator', name: 'test' });
    expect((await overTcp('GET', `${base}/backups`, { 'x-api-key': key })).status).toBe(200);
    expect((await overTcp('GET', `${base}/backups`, { authorization: `Bearer ${key}` })).status).toBe(200);
    for (const wrong of [`${key}x`, key.slice(0, -1), 'x', `skb_000000000000_${'a'.repeat(43)}`]) {
      const answer = await overTcp('GET', `${base}/backups`, { 'x-api-key': wrong });
      expect(answer).toMatchObject({ status: 401, body: { errors: [{ error: 'unauthorized' }] } });
    }
    const [listed] = await daemon.api.daemon.listKeys();
    expect(listed).toMatchObject({ id, role: 'administrator', name: 'test' });
    expect(listed?.last_used_at).toBeTruthy();
    expect(JSON.stringify(listed)).not.toContain(key.slice(20));
    await daemon.api.daemon.revokeKey(id);
    expect((await overTcp('GET', `${base}/backups`, { 'x-api-key': key })).status).toBe(401);
    expect((await daemon.api.daemon.listKeys())[0]?.revoked_at).toBeTruthy();
    expect(daemon.log()).not.toContain(key.slice(20));
  });

  it('carry a role: each right is refused to every weaker role, naming the role that is needed', async () => {
    const roles = ['viewer', 'operator', 'requester', 'administrator'] as const;
    const keys = new Map<string, string>();
    for (const role of roles) keys.set(role, (await daemon.api.daemon.createKey({ role })).key);
    const services = '/provisioning/v1/services';
    const requests: [(typeof roles)[number], string, string, unknown?][] = [
      ['viewer', 'GET', `${base}/backups`],
      ['viewer', 'GET', `${base}/plans`],
      ['viewer', 'POST', `${base}/restores/lookup`, {}],
      ['operator', 'POST', `${base}/backups/schedules`, {}],
      ['operator', 'PATCH', `${base}/backups/schedules/1`, {}],
      ['operator', 'POST', `${services}/nobody/start`],
      ['operator', 'POST', `${services}/nobody/power`, { is_active: true }],
      ['operator', 'POST', `${base}/jobs/1/cancel`],
      ['requester', 'POST', `${services}/nobody/stop`],
      ['requester', 'POST', `${base}/plans`, {}],
      ['requester', 'POST', `${base}/plans/x/ask`],
      ['requester', 'POST', `${base}/plans/x/decline`, { reason: 'declined' }],
      ['operator', 'POST', `${base}/restores`, { target: 'new', id: 'x' }],
      ['requester', 'DELETE', `${base}/restores/1`],
      ['viewer', 'GET', `${base}/restores/kept`],
      ['requester', 'POST', `${base}/restores/1/undo`],
      ['administrator', 'DELETE', `${base}/restores/1/kept`],
      ['requester', 'DELETE', `${base}/backups/schedules/1`],
      ['administrator', 'POST', `${base}/plans/x/approve`, { channel: 'terminal' }],
      ['administrator', 'POST', services, {}],
      ['administrator', 'DELETE', `${services}/nobody`],
      ['administrator', 'POST', `${base}/keys`, {}],
      ['administrator', 'GET', `${base}/keys`],
      ['administrator', 'DELETE', `${base}/keys/none`],
    ];
    for (const [needed, method, path, body] of requests) {
      for (const role of roles) {
        const answer = await overTcp(method, path, { 'x-api-key': keys.get(role) ?? '' }, body);
        const label = `${role} ${method} ${path}`;
        if (roles.indexOf(role) >= roles.indexOf(needed)) expect(answer.status, label).not.toBe(403);
        else {
          expect(answer, label).toMatchObject({ status: 403, body: { errors: [{ error: 'forbidden' }] } });
          expect(answer.body.errors?.[0]?.message, label).toContain(`role ${needed}`);
        }
      }
    }
    // On the same path: what replaces data asks for more.
    const replacing = { service_id: 'nobody', id: 'x' };
    const header = { 'x-api-key': keys.get('operator') ?? '' };
    const refused = await overTcp('POST', `${base}/restores`, header, replacing);
    expect(refused).toMatchObject({ status: 403, body: { errors: [{ error: 'forbidden' }] } });
    expect(refused.body.errors?.[0]?.message).toContain('role requester');
  });

  it('are not asked for on the socket, and honoured there when given', async () => {
    const { key } = await daemon.api.daemon.createKey({ role: 'viewer' });
    expect((await daemon.request('GET', `${base}/keys`)).status).toBe(200);
    expect((await daemon.request('GET', `${base}/keys`, undefined, { 'x-api-key': key })).status).toBe(403);
    expect((await daemon.request('GET', `${base}/keys`, undefined, { 'x-api-key': 'wrong' })).status).toBe(401);
  });
});

describe('over TCP', () => {
  it('answers only to a Host that is its own, so that no web page can rebind a name to it', async () => {
    const ask = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const url = new URL(tcp);
        const socket = connect(Number(url.port), url.hostname);
        socket.once('data', (data) => {
          socket.destroy();
          resolve(Number(data.toString().split(' ')[1]));
        });
        socket.once('error', reject);
        socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      });
    for (const own of ['127.0.0.1', 'localhost:80', '[::1]:1', '10.0.0.1']) expect(await ask(own)).toBe(200);
    for (const other of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect(await ask(other)).toBe(403);
    }
  });

  it('has no drain', async () => {
    const { key } = await daemon.api.daemon.createKey({ role: 'administrator' });
    expect((await overTcp('POST', `${base}/drain`, { 'x-api-key': key }, {})).status).toBe(404);
  });
});

describe('one daemon a home', () => {
  it('lets the second of two end and say who serves', async () => {
    await expect(startDaemon({ home: daemon.testHome })).rejects.toThrow(new RegExp(`pid ${daemon.pid}`));
    expect((await daemon.request('GET', '/healthz')).body.pid).toBe(daemon.pid);
  });

  it('lets exactly one of four that start together serve', async () => {
    const first = await startDaemon();
    await first.stop();
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => startDaemon({ home: first.testHome })));
    const serving = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    try {
      expect(serving).toHaveLength(1);
      expect((await serving[0]?.request('GET', '/healthz'))?.body.pid).toBe(serving[0]?.pid);
    } finally {
      for (const each of serving) await each.stop();
      await first.dispose();
    }
  });

  it('mends a stale lock and a stale socket, also when another process has the old pid now', async () => {
    const first = await startDaemon();
    await first.kill9();
    expect(existsSync(first.home.socket)).toBe(true);
    writeFileSync(first.home.lock, JSON.stringify({ pid: process.pid, start_time: '1' }));
    const second = await first.restart();
    expect((await second.request('GET', '/healthz')).status).toBe(200);
    await second.kill9();
    writeFileSync(first.home.lock, '{"pid": ');
    const third = await first.restart();
    expect(await third.stop()).toBe(0);
    expect(existsSync(first.home.socket)).toBe(false);
    expect(existsSync(first.home.lock)).toBe(false);
    await first.dispose();
  });
});

describe('its end', () => {
  it('comes by SIGTERM, by SIGINT, and by a drain, each time with code 0', async () => {
    let one = await startDaemon();
    expect(await one.stop()).toBe(0);
    one = await one.restart();
    process.kill(one.pid, 'SIGINT');
    expect(await one.exit).toBe(0);
    one = await one.restart();
    expect((await one.request('POST', `${base}/drain`, {})).body).toEqual({ draining: true });
    expect(await one.exit).toBe(0);
    await one.dispose();
  });

  it('comes by itself when a client started it and nobody needs it any more', async () => {
    const one = await startDaemon({ args: ['--started-by', 'client', '--idle-minutes', '0.02'] });
    expect(await one.exit).toBe(0);
    expect(one.log()).toContain('nobody uses the daemon');
    await one.dispose();
  });
});
