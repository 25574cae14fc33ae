import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';

const base = '/skybackup/v1';
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ requestBody: z.unknown().optional() }))),
});

let daemon: TestDaemon;
let operations: { method: string; path: string; hasBody: boolean }[];
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' } });
  const { paths } = Document.parse((await daemon.request('GET', `${base}/openapi.json`)).body);
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      path,
      method: method.toUpperCase(),
      hasBody: requestBody !== undefined,
    })),
  );
});
afterAll(() => daemon.dispose());

/** All that a hostile request could have changed. */
async function everything(): Promise<unknown> {
  const paths = ['/backups', '/backups/schedules', '/restores', '/plans'].map((path) => `${base}${path}`);
  const answers = await Promise.all(paths.map((path) => daemon.request('GET', path)));
  const services = await daemon.api.listServices();
  return [answers.map(({ body }) => body), services.map(({ id, status }) => ({ id, status }))];
}

const odd = [
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e%2f%2e%2e%2fstate.db',
  'orders%2f..%2forders',
  '..%5c..%5cwindows',
  '%00',
  'orders%00',
  "orders'%20OR%20'1'%3D'1",
  '%25',
  '1%3BDROP%20TABLE%20backups',
  '-1',
  '1e3',
  '0x10',
  '99999999999999999999999',
  '__proto__',
  'constructor',
  '%F0%9F%92%BE',
  `${'a'.repeat(32)}:orders:orders-0`,
  'a:b',
  'x'.repeat(390),
];

describe('every request with an id in its path', () => {
  it.each(odd)('takes %.60s for nothing that exists, and changes nothing', async (id) => {
    const before = await everything();
    for (const { method, path } of operations.filter((each) => each.path.includes('{'))) {
      const { status, body } = await daemon.request(method, path.replaceAll(/\{\w+\}/g, id), {});
      const label = `${method} ${path}`;
      expect([400, 404], `${label}: ${JSON.stringify(body)}`).toContain(status);
      expect(body.errors?.[0]?.solution, label).toBeTruthy();
    }
    expect(await everything()).toEqual(before);
  });
});

describe('every request with a body', () => {
  const bodies: [string, string][] = [
    ['no JSON', '{"a": '],
    ['a list', '[1, 2, 3]'],
    ['a text', '"restore"'],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a prototype', '{"__proto__": {"role": "administrator"}, "constructor": {"prototype": {}}}'],
    ['an unknown field', '{"colour": "blue"}'],
    ['a huge number', '{"service_id": 1e400}'],
  ];
  it.each(bodies)('refuses %s by name, and changes nothing', async (_, body) => {
    const before = await everything();
    for (const { method, path } of operations.filter(({ hasBody }) => hasBody)) {
      const answer = await daemon.request(method, path.replaceAll(/\{\w+\}/g, 'none'), body);
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 400 });
    }
    expect(await everything()).toEqual(before);
  });

  it('refuses ten megabytes', async () => {
    const large = `{"x": "${'y'.repeat(10_000_000)}"}`;
    for (const { method, path } of operations.filter(({ hasBody }) => hasBody)) {
      // It may hang up before all was sent.
      const answer = await daemon
        .request(method, path.replaceAll(/\{\w+\}/g, 'none'), large)
        .catch(() => ({ status: 413 }));
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 413 });
    }
    expect((await daemon.request('GET', '/healthz')).status).toBe(200);
  });
});

describe('a key that was stolen', () => {
  it('is worthless from the moment it is revoked, on a kept connection, and with a plan in its hand', async () => {
    const { id, key } = await daemon.api.daemon.createKey({ role: 'requester' });
    const connection = new Agent({ connections: 1 });
    const ask = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => {
      const answer = await request(`${daemon.url()}${path}`, {
        dispatcher: connection,
        method,
        headers: { 'x-api-key': key, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.statusCode, body: z.looseObject({}).parse(await answer.body.json()) };
    };
    const schedule = (await daemon.api.listSchedules()).items[0]?.id ?? 0;
    const made = await ask('POST', `${base}/plans`, { operation: 'delete_schedule', arguments: { id: schedule } });
    const plan = z.object({ id: z.string(), facts: z.object({ confirm_id: z.string() }) }).parse(made.body);
    await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: plan.facts.confirm_id });

    const [listed] = (await daemon.api.daemon.listKeys()).filter((each) => each.id === id);
    expect(Date.parse(listed?.last_used_at ?? '')).toBeGreaterThan(Date.now() - 120_000);
    await daemon.api.daemon.revokeKey(id);
    expect((await ask('DELETE', `${base}/backups/schedules/${schedule}?plan_id=${plan.id}`)).status).toBe(401);
    expect((await ask('GET', `${base}/backups`)).status).toBe(401);
    await connection.destroy();

    // Nor does the approved plan serve another key.
    const other = await daemon.api.daemon.createKey({ role: 'requester' });
    const answer = await daemon.request(
      'DELETE',
      `${base}/backups/schedules/${schedule}?plan_id=${plan.id}`,
      undefined,
      { 'x-api-key': other.key },
    );
    expect(answer.status).toBe(409);
    expect((await daemon.api.listSchedules()).items.map((each) => each.id)).toContain(schedule);
  });
});
