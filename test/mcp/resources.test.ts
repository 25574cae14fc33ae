import { encode } from 'gpt-tokenizer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { type SdkClient, sdkClientNames, sdkClients } from './sdk-clients.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const hidden = 'dbtgf28216706';
const lists = ['services', 'backups', 'schedules', 'restores', 'storages'];

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

const command = (env: Record<string, string> = {}) => serverCommand(home.home, { ...cloudEnvironment(cloud), ...env });

async function raw(era: Era, env: Record<string, string> = {}): Promise<RawClient> {
  const client = await RawClient.start(command(env), era);
  clients.push(client);
  return client;
}

describe.each(sdkClientNames)('%s', (name) => {
  const start = async (env: Record<string, string> = {}): Promise<SdkClient> => {
    const client = await sdkClients[name](command(env));
    clients.push(client);
    return client;
  };

  it('lists every resource, and the backups of each service', async () => {
    const client = await start();
    const listed = await client.resources();
    expect(listed.map(({ uri }) => uri)).toEqual([
      ...['services', 'backups', 'schedules', 'restores', 'recovery-windows', 'storages', 'policy'].map(
        (each) => `skybackup://${each}`,
      ),
      ...cloud.state.services.map(({ id }) => `skybackup://backups/${id}`),
    ]);
    expect(listed.find(({ uri }) => uri.endsWith(orders))?.title).toBe(`Backups of a service: ${orders} (orders)`);
  });

  it('reads in each the rows that the tool shows', async () => {
    const client = await start();
    for (const list of lists) {
      const args = list === 'storages' ? {} : { limit: 25 };
      const { data } = await client.call(`list_${list}`, args);
      expect(JSON.parse(await client.read(`skybackup://${list}`))[list], list).toEqual(data[list]);
    }
    const { data } = await client.call('list_backups', { service: hidden, limit: 25 });
    expect(JSON.parse(await client.read(`skybackup://backups/${hidden}`)).backups).toEqual(data.backups);
    const { recovery_windows } = JSON.parse(await client.read('skybackup://recovery-windows'));
    expect(recovery_windows).toEqual([
      { service_id: orders, from: '2024-03-25 02:00:00 UTC', to: '2024-03-26 17:00:00 UTC' },
    ]);
    expect(JSON.parse(await client.read('skybackup://policy'))).toMatchObject({ provider: 'cloud', confirm: 'ask' });
  });

  it('shows nothing of a hidden service: in no resource, template, completion or error', async () => {
    const [own, other] = cloud.state.restores;
    if (own === undefined) throw new Error('the double has no restore');
    // Onto the visible service, from a backup of the hidden one, and from the hidden one itself to a point in time.
    cloud.state.restores.push(
      { ...own, id: 20, service_id: orders },
      { ...own, id: 21, service_id: orders, backup: hidden },
      { ...(other ?? own), id: 22, service_id: hidden },
    );
    cloud.state.windows.push({
      service_id: hidden,
      start_time: '2024-03-25T02:00:00Z',
      end_time: '2024-03-26T17:00:00Z',
    });
    const client = await start({ SKYBACKUP_SERVICES: orders });
    const seen = [JSON.stringify(await client.resources())];
    for (const each of [...lists, 'recovery-windows', 'policy', `backups/${orders}`])
      seen.push(await client.read(`skybackup://${each}`));
    seen.push(...(await client.complete('')), ...(await client.completePrompt('restore_to_moment', 'service', '')));
    seen.push(...(await client.completePrompt('restore_to_moment', 'backup', '', { service: hidden })));
    expect(seen.join('\n')).not.toContain(hidden);
    expect(seen.join('\n')).toContain(orders);
    expect(JSON.parse(seen[4] ?? '').restores.map(({ id }: { id: number }) => id)).toEqual([21, 20]);
    const unknown = await client.read('skybackup://backups/nope').catch((error: Error) => error.message);
    const invisible = await client.read(`skybackup://backups/${hidden}`).catch((error: Error) => error.message);
    expect(invisible.replaceAll(hidden, 'nope')).toBe(unknown);
  });
});

describe.each(eras)('resources (%s)', (era) => {
  const read = async (client: RawClient, uri: string): Promise<{ text: string; error?: string; ttlMs?: unknown }> => {
    const { result, error } = await client.request('resources/read', { uri: `skybackup://${uri}` }).answer;
    const [first] = (result?.contents ?? []) as { text: string }[];
    return { text: first?.text ?? '', ttlMs: result?.ttlMs, ...(error && { error: error.message }) };
  };

  it('of 10,000 backups and of the longest names stay within 2,000 tokens, and say how to go on', async () => {
    const long = 'Ω«ορδερς» und noch sehr viel mehr Namen 注文データベース '.repeat(20);
    const [backup] = cloud.state.backups;
    const [service] = cloud.state.services;
    const [schedule] = cloud.state.schedules;
    if (backup === undefined || service === undefined || schedule === undefined) throw new Error('an empty double');
    for (let i = 0; i < 10_000; i += 1) {
      const hex = i.toString(16).padStart(32, 'c1f');
      cloud.state.backups.push({ ...backup, id: `${hex}:${orders}:pod-${i}`, service_id: orders });
    }
    for (let i = 0; i < 60; i += 1) {
      cloud.state.services.push({ ...service, id: `dbtgf9${i}`, name: long, region: long, version: long });
      cloud.state.schedules.push({ ...schedule, id: 500 + i, message: long });
    }
    const client = await raw(era);
    for (const uri of [...lists, 'recovery-windows', 'policy', `backups/${orders}`]) {
      const { text } = await read(client, uri);
      expect(encode(text).length, uri).toBeLessThanOrEqual(2000);
    }
    const { count, next } = JSON.parse((await read(client, `backups/${orders}`)).text);
    expect(count).toBe(10_000);
    const [, cursor] = /call list_backups with service "dbtgf28044362" and cursor "([\d.]+)"/.exec(next) ?? [];
    expect((await client.call('list_backups', { service: orders, cursor })).isError).toBe(false);
    expect((await client.request('resources/list').answer).result?.resources).toHaveLength(57);
  });

  it('that cannot be read say why in clean words; their list stays whole', async () => {
    const client = await raw(era);
    const [service] = cloud.state.services;
    if (service) cloud.state.services.push({ ...service, id: '\ud800/../x' });
    const listed = async () => (await client.request('resources/list').answer).result?.resources;
    // Three services whose ids fit into a URI.
    expect(await listed()).toHaveLength(10);
    cloud.fault({
      times: 20,
      status: 400,
      error: 'boom',
      message: `\u001b[2J Bearer ${cloud.key} password=hunter2hunter2`,
    });
    const { error } = await read(client, 'services');
    expect(error).toMatch(/HTTP 400: .*\[redacted\].*\[invalid_request\]$/);
    expect(error).not.toMatch(/\p{Cc}|hunter2/u);
    expect(error).not.toContain(cloud.key);
    expect(await listed()).toHaveLength(7);
    for (const uri of ['backups/%zz', 'backups/a/b', 'nothing']) expect((await read(client, uri)).error).toBeTruthy();
  });

  it('tell hosts that may keep them which do not change', async () => {
    const client = await raw(era);
    const of = async (method: string): Promise<unknown> => (await client.request(method).answer).result?.ttlMs;
    const kept = era === 'modern' ? 300_000 : undefined;
    const asked = era === 'modern' ? 0 : undefined;
    for (const list of ['tools/list', 'prompts/list', 'resources/templates/list'])
      expect(await of(list), list).toBe(kept);
    expect(await of('resources/list')).toBe(asked);
    expect((await read(client, 'policy')).ttlMs).toBe(kept);
    expect((await read(client, 'services')).ttlMs).toBe(asked);
  });
});
