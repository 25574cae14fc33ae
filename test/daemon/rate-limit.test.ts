import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';

const path = '/skybackup/v1/backups';
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0', '--requests-per-minute', '5'] });
});
afterAll(() => daemon.dispose());

const newKey = async (): Promise<string> => (await daemon.api.daemon.createKey({ role: 'viewer' })).key;
const ask = (key: string): Promise<Response> => fetch(`${daemon.url()}${path}`, { headers: { 'x-api-key': key } });

it('ends the requests of one key, says when to come back, and lets all others go on', async () => {
  const key = await newKey();
  for (let request = 1; request <= 5; request += 1) expect((await ask(key)).status).toBe(200);
  const refused = await ask(key);
  expect(refused.status).toBe(429);
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  expect(await refused.json()).toMatchObject({
    code: 429,
    exception: 'TooManyRequests',
    errors: [{ error: 'rate_limited', message: expect.stringContaining('5 requests a minute') }],
  });

  expect((await ask(await newKey())).status).toBe(200);
  expect((await fetch(`${daemon.url()}/healthz`)).status).toBe(200);
});

it("is the key's, whichever header carries it, and refused requests count too", async () => {
  const key = await newKey();
  const other = { authorization: `Bearer ${key}` };
  for (let request = 1; request <= 3; request += 1) await ask(key);
  // Above this key's role.
  const { status } = await fetch(`${daemon.url()}/skybackup/v1/keys`, { headers: other });
  expect(status).toBe(403);
  expect((await fetch(`${daemon.url()}${path}`, { headers: other })).status).toBe(200);
  expect((await fetch(`${daemon.url()}${path}`, { headers: other })).status).toBe(429);
});

it("does not count the daemon's owner on its socket", async () => {
  for (let request = 1; request <= 20; request += 1) expect((await daemon.request('GET', path)).status).toBe(200);
});

it('reaches a client as an error it can tell', async () => {
  const key = await newKey();
  for (let request = 1; request <= 5; request += 1) await ask(key);
  const api = openBackupApi(readSettings({ HOME: '/nowhere', SKYBACKUP_URL: daemon.url(), SKYBACKUP_API_KEY: key }));
  try {
    await expect(api.listBackups({}, { deadlineMs: 2000 })).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterSeconds: expect.any(Number),
    });
  } finally {
    await api.close();
  }
});
