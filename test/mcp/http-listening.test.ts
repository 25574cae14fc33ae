import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { listeningOverHttp } from '../../src/mcp/resources/http-listening.ts';
import type { ResourceWatch } from '../../src/mcp/resources/watch.ts';
import { watchResources } from '../../src/mcp/resources/watch-resources.ts';
import { createServer } from '../../src/mcp/server.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { cloudEnvironment, newHome } from './server-command.ts';

const backups = 'skybackup://backups';
const schedules = 'skybackup://schedules';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
let watch: ResourceWatch;
let fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
let closeAll: () => Promise<void>;

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
  const settings = readSettings({ ...cloudEnvironment(cloud), SKYBACKUP_HOME: home.home });
  const context = { api: openBackupApi(settings), settings, version: '0.0.0' };
  // As an HTTP server wires it: one watch for all requests, each of which has a server of its own.
  watch = watchResources(context, 50);
  const handler = createMcpHandler(() => createServer({ ...context, watch }), { legacy: 'reject' });
  const listening = listeningOverHttp(handler, watch);
  fetch = (url, init) => listening.fetch(new Request(url, init));
  closeAll = async () => {
    watch.close();
    await handler.close();
    await context.api.close();
  };
});
afterEach(async () => {
  await closeAll();
  await cloud.close();
  await home.remove();
});

async function connected(): Promise<{ client: Client; updates: string[] }> {
  const updates: string[] = [];
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updates.push(params.uri));
  await client.connect(new StreamableHTTPClientTransport(new URL('http://127.0.0.1/mcp'), { fetch }));
  return { client, updates };
}

function backupAppears(letter: string): void {
  const [backup] = cloud.state.backups;
  if (backup) cloud.state.backups.push({ ...backup, id: backup.id.replace(/^[0-9a-f]+/, letter.repeat(32)) });
}

it('tells every stream of what others changed, until it ends; then nothing is asked any more', async () => {
  const [one, two] = [await connected(), await connected()];
  const first = await one.client.listen({ resourceSubscriptions: [backups] });
  const second = await two.client.listen({ resourceSubscriptions: [backups, schedules] });
  backupAppears('a');
  await expect.poll(() => [one.updates, two.updates]).toEqual([[backups], [backups]]);
  await first.close();
  const [schedule] = cloud.state.schedules;
  if (schedule) schedule.schedule = '0 4 * * *';
  await expect.poll(() => two.updates).toEqual([backups, schedules]);
  backupAppears('b');
  await expect.poll(() => two.updates).toEqual([backups, schedules, backups]);
  expect(one.updates).toEqual([backups]);

  await second.close();
  const third = await two.client.listen({ resourceSubscriptions: ['skybackup://storages'] });
  // Storages of the cloud are files of this machine: whatever is asked from here on is asked for the other two.
  const asked = cloud.requests.length;
  backupAppears('c');
  await two.client.callTool({ name: 'create_schedule', arguments: { service: 'orders', cron: '0 5 * * *' } });
  await two.client.readResource({ uri: backups });
  const paths = cloud.requests.slice(asked).map(({ path }) => path);
  expect(paths.filter((path) => path === '/skybackup/v1/backups')).toHaveLength(1);
  expect(two.updates).toHaveLength(3);
  await third.close();
  await one.client.close();
  await two.client.close();
});

it('acknowledges what it can tell of, and nothing else', async () => {
  const { client } = await connected();
  const subscription = await client.listen({
    toolsListChanged: true,
    resourceSubscriptions: ['skybackup://policy', 'file:///etc/passwd', backups],
  });
  expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: [backups] });
  await subscription.close();
  const many = Array.from({ length: 60 }, (_, at) => `skybackup://backups/s${at}`);
  await expect(client.listen({ resourceSubscriptions: many })).rejects.toThrow('At most 50 resources');
  await client.close();
});

it('a tool of the same process is followed by a look at once', async () => {
  watch.close();
  const slow = watchResources({ api: openBackupApi(settingsOf()), settings: settingsOf(), version: '0.0.0' }, 600_000);
  const context = { api: openBackupApi(settingsOf()), settings: settingsOf(), version: '0.0.0', watch: slow };
  const handler = createMcpHandler(() => createServer(context), { legacy: 'reject' });
  const listening = listeningOverHttp(handler, slow);
  fetch = (url, init) => listening.fetch(new Request(url, init));
  const { client, updates } = await connected();
  await client.listen({ resourceSubscriptions: [schedules] });
  await client.callTool({ name: 'create_schedule', arguments: { service: 'orders', cron: '0 5 * * *' } });
  await expect.poll(() => updates).toEqual([schedules]);
  await client.close();
  slow.close();
  await handler.close();
});

function settingsOf() {
  return readSettings({ ...cloudEnvironment(cloud), SKYBACKUP_HOME: home.home });
}
