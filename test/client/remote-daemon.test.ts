import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { contractRevision } from '../../src/contract/health.ts';

let server: Server;
let api: BackupApi;
afterEach(async () => {
  await api.close();
  server.closeAllConnections();
  server.close();
});

/** A daemon elsewhere that answers `/healthz` with `health` and lists no services. */
async function daemonWith(health: unknown, status = 200): Promise<(string | undefined)[]> {
  const seen: (string | undefined)[] = [];
  server = createServer((request, response) => {
    seen.push(request.url?.split('?')[0]);
    if (request.url === '/healthz') response.writeHead(status).end(JSON.stringify(health));
    else response.end('[]');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const env = { HOME: '/nowhere', SKYBACKUP_URL: `http://127.0.0.1:${port}`, SKYBACKUP_API_KEY: 'skb_test' };
  api = openBackupApi(readSettings(env));
  return seen;
}

const healthy = { ok: true, version: '9.9.9', contract: contractRevision, instance: 'i', pid: 1, idle: true };

test('its contract is looked at once, before the first call', async () => {
  const seen = await daemonWith(healthy);
  expect(seen).toEqual([]);
  expect(await api.listServices()).toEqual([]);
  await api.listServices();
  expect(seen).toEqual(['/healthz', '/provisioning/v1/services', '/provisioning/v1/services']);
});

test.each([
  [contractRevision + 1, 'Update this client.'],
  [contractRevision - 1, 'Update that daemon.'],
])('one of contract revision %d is refused by name, and never asked', async (contract, hint) => {
  const seen = await daemonWith({ ...healthy, contract });
  await expect(api.listServices()).rejects.toMatchObject({
    code: 'version_skew',
    message: expect.stringContaining('skybackup 9.9.9'),
    hint,
  });
  expect(seen).toEqual(['/healthz']);
});

test('behind a proxy that passes on the API alone the calls are made all the same', async () => {
  await daemonWith({}, 404);
  expect(await api.listServices()).toEqual([]);
});
