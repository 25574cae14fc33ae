import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { printedBackupId } from '../doubles/cloud-state.ts';
import { eras, RawClient } from './raw-client.ts';
import { type SdkClient, sdkClientNames, sdkClients } from './sdk-clients.ts';
import { cloudEnvironment, newHome, type ServerCommand, serverCommand } from './server-command.ts';

const keys = ['cloud-test-key-0123456789', 'cloud-test-key-9876543210'];
const orders = 'dbtgf28044362';
const source = 'dbtgf28216706';
const ofSource = `skybackup://backups/${source}`;

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false, keys });
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

/** A server that looks ten times a second, with a key of its own by which the double knows it. */
function watching(key: number, env: Record<string, string> = {}): ServerCommand {
  const server = serverCommand(home.home, { ...cloudEnvironment(cloud), SKYSQL_API_KEY: keys[key] ?? '', ...env });
  return { ...server, args: [join(import.meta.dirname, 'watching-server.ts')] };
}

function looksWith(key: number): number {
  return cloud.requests.filter(({ headers }) => headers['x-api-key'] === keys[key]).length;
}

/** What somebody else does: neither client nor server of the test has a part in it. */
function backupAppears(serviceId: string, hex: string): void {
  const [backup] = cloud.state.backups;
  if (backup === undefined) throw new Error('the double has no backup');
  const id = printedBackupId.replace(/^[0-9a-f]+/, hex.repeat(32)).replace(source, serviceId);
  cloud.state.backups.push({ ...backup, id, service_id: serviceId });
}
function scheduleChanges(cron: string): void {
  const [schedule] = cloud.state.schedules;
  if (schedule) schedule.schedule = cron;
}

/** One in each era and of each SDK; `auto` becomes one of them once it is connected. */
const names = sdkClientNames.filter((name) => name !== 'v2 Client, auto');

describe.each(names)('%s', (name) => {
  const start = async (key: number, env: Record<string, string> = {}): Promise<SdkClient> => {
    const client = await sdkClients[name](watching(key, env));
    clients.push(client);
    return client;
  };

  it('is told of what others changed, of nothing else, and of nothing any more once it has unsubscribed', async () => {
    const [one, other] = [await start(0), await start(1)];
    const unsubscribe = await one.subscribe(ofSource);
    await other.subscribe('skybackup://schedules');
    backupAppears(source, 'a');
    await expect.poll(() => one.updates).toEqual([ofSource]);
    // The other one has its turn afterwards, so that it is seen to be told of its own alone.
    scheduleChanges('0 4 * * *');
    await expect.poll(() => other.updates).toEqual(['skybackup://schedules']);
    expect(JSON.parse(await one.read(ofSource)).count).toBe(2);

    await unsubscribe();
    // Messages are taken in order: when this is answered the server knows that it is over. A look that was on its way may end.
    await one.tools();
    const asked = looksWith(0);
    backupAppears(source, 'b');
    scheduleChanges('0 5 * * *');
    await expect.poll(() => other.updates).toHaveLength(2);
    expect(one.updates).toEqual([ofSource]);
    expect(looksWith(0)).toBeLessThanOrEqual(asked + 2);
  });

  it('is told at once of what it did itself through a tool', async () => {
    const client = await sdkClients[name](serverCommand(home.home, cloudEnvironment(cloud)));
    clients.push(client);
    await client.subscribe('skybackup://schedules');
    const began = performance.now();
    await client.call('create_schedule', { service: 'orders', cron: '0 6 * * *' });
    await expect.poll(() => client.updates).toEqual(['skybackup://schedules']);
    // Without that it would be told after a minute.
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('learns nothing of a hidden service', async () => {
    const client = await start(0, { SKYBACKUP_SERVICES: orders });
    for (const uri of [
      ofSource,
      'skybackup://backups',
      'skybackup://restores',
      'skybackup://services',
      'skybackup://recovery-windows',
    ])
      await client.subscribe(uri);
    backupAppears(source, 'c');
    Object.assign(cloud.state.services[1] ?? {}, { status: 'stopped' });
    Object.assign(cloud.state.restores[0] ?? {}, { status: 'Failed' });
    cloud.state.windows.push({
      service_id: source,
      start_time: '2024-03-25T02:00:00Z',
      end_time: '2024-03-26T17:00:00Z',
    });
    // Each of the five was looked at twice since then.
    const asked = looksWith(0);
    await expect.poll(() => looksWith(0)).toBeGreaterThan(asked + 20);
    expect(client.updates).toEqual([]);
    backupAppears(orders, 'd');
    await expect.poll(() => client.updates).toEqual(['skybackup://backups']);
  });
});

describe.each(eras)('a server (%s)', (era) => {
  const start = async (key: number): Promise<RawClient> => {
    const client = await RawClient.start(watching(key), era);
    clients.push(client);
    return client;
  };
  const subscribe = async (client: RawClient, uri: string): Promise<void> => {
    if (era === 'legacy') {
      expect(await client.request('resources/subscribe', { uri }).answer).toMatchObject({ result: {} });
      return;
    }
    client.request('subscriptions/listen', { notifications: { resourceSubscriptions: [uri] } });
    await expect
      .poll(() => client.notifications.map(({ method }) => method))
      .toContain('notifications/subscriptions/acknowledged');
  };

  it('asks nothing at all while nobody has subscribed, and again nothing after the last one', async () => {
    const [silent, clock] = [await start(0), await start(1)];
    await silent.request('tools/list').answer;
    await silent.request('prompts/list').answer;
    await silent.request('resources/templates/list').answer;
    await subscribe(clock, 'skybackup://services');
    const asked = looksWith(1);
    await expect.poll(() => looksWith(1)).toBeGreaterThan(asked + 5);
    expect(looksWith(0)).toBe(0);
  });

  it('ends with its client although somebody is subscribed', async () => {
    const client = await start(0);
    await subscribe(client, 'skybackup://backups');
    const asked = looksWith(0);
    await expect.poll(() => looksWith(0)).toBeGreaterThan(asked + 1);
    expect(await client.close()).toBe(0);
  });

  it('says that it tells of single resources, and of no list', async () => {
    const client = await start(0);
    const said =
      era === 'legacy'
        ? await client.request('initialize', {
            protocolVersion: '2025-11-25',
            capabilities: {},
            clientInfo: { name: 'raw', version: '1' },
          }).answer
        : await client.request('server/discover').answer;
    expect(said.result?.capabilities).toMatchObject({
      tools: { listChanged: false },
      prompts: { listChanged: false },
      resources: { listChanged: false, subscribe: true },
    });
  });

  it('takes no subscription that it could not serve', async () => {
    const client = await start(0);
    const foreign = 'file:///etc/passwd';
    if (era === 'legacy') {
      const { error } = await client.request('resources/subscribe', { uri: foreign }).answer;
      expect(error?.message).toContain('not found');
      return;
    }
    await subscribe(client, foreign);
    const [acknowledged] = client.notifications;
    expect(acknowledged?.params?.notifications).toEqual({});
    expect(looksWith(0)).toBe(0);
  });
});

it('a newer client that cancels while its subscription is still held gets none', async () => {
  const client = await RawClient.start(watching(0), 'modern');
  clients.push(client);
  cloud.fault({ path: '/skybackup/v1/backups', delayMs: 500 });
  const { id } = client.request('subscriptions/listen', {
    notifications: { resourceSubscriptions: ['skybackup://backups'] },
  });
  await expect.poll(() => looksWith(0)).toBe(1);
  client.notify('notifications/cancelled', { requestId: id });
  await client.request('tools/list').answer;
  backupAppears(source, 'e');
  const other = await RawClient.start(watching(1), 'modern');
  clients.push(other);
  other.request('subscriptions/listen', { notifications: { resourceSubscriptions: ['skybackup://backups'] } });
  await expect.poll(() => looksWith(1)).toBeGreaterThan(10);
  expect(client.notifications).toEqual([]);
  expect(looksWith(0)).toBe(1);
});
