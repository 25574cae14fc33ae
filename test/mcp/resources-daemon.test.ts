import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalDaemon, localDaemon } from './local-daemon.ts';
import { eras } from './raw-client.ts';
import { type SdkClient, sdkClientNames, sdkClients } from './sdk-clients.ts';

let daemon: LocalDaemon;
const clients: SdkClient[] = [];

beforeAll(async () => {
  daemon = await localDaemon();
  await daemon.cli(['services', 'add', 'sandbox', '--managed', '--no-nightly']);
  await daemon.cli(['services', 'add', 'hidden', '--managed', '--no-nightly']);
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await daemon.stop();
});

/** A process of its own, as another client or a person would start one. */
async function backUpElsewhere(service: string): Promise<void> {
  await daemon.cli(['call', 'create_backup', JSON.stringify({ service })]);
}

async function start(name: (typeof sdkClientNames)[number], env: Record<string, string> = {}): Promise<SdkClient> {
  const client = await sdkClients[name](daemon.mcp(env));
  clients.push(client);
  return client;
}

describe.each(sdkClientNames)('%s', (name) => {
  it('is told of a backup that another process took, and learns nothing of a hidden service', async () => {
    const all = await start(name);
    const some = await start(name, { SKYBACKUP_SERVICES: 'sandbox' });
    const unsubscribe = await all.subscribe('skybackup://backups/hidden');
    for (const uri of ['skybackup://backups/hidden', 'skybackup://backups', 'skybackup://schedules'])
      await some.subscribe(uri);
    await backUpElsewhere('hidden');
    // It appears, and later it has succeeded: each is a change.
    await expect.poll(() => all.updates[0]).toBe('skybackup://backups/hidden');
    const succeeded = async (): Promise<string> =>
      JSON.parse(await all.read('skybackup://backups/hidden')).backups[0]?.status;
    await expect.poll(succeeded).toBe('Succeeded');
    expect(some.updates).toEqual([]);
    await unsubscribe();
    await all.subscribe('skybackup://backups/sandbox');
    const before = all.updates.length;
    await backUpElsewhere('sandbox');
    await expect.poll(() => some.updates).toContain('skybackup://backups');
    await expect.poll(() => all.updates).toContain('skybackup://backups/sandbox');
    expect(all.updates.slice(before)).not.toContain('skybackup://backups/hidden');
    expect(some.updates).not.toContain('skybackup://backups/hidden');
    expect(JSON.parse(await some.read('skybackup://backups')).backups[0].service_id).toBe('sandbox');
  });

  it('reads the rows that the tools show, and completes what there is', async () => {
    const client = await start(name);
    await expect
      .poll(async () => JSON.parse(await client.read('skybackup://backups/sandbox')).backups[0]?.status)
      .toBe('Succeeded');
    for (const list of ['services', 'backups', 'schedules', 'restores', 'storages']) {
      const { data } = await client.call(`list_${list}`, list === 'storages' ? {} : { limit: 25 });
      expect(JSON.parse(await client.read(`skybackup://${list}`))[list], list).toEqual(data[list]);
    }
    const { services } = JSON.parse(await client.read('skybackup://services'));
    expect(services.map(({ id }: { id: string }) => id).sort()).toEqual(['hidden', 'sandbox']);
    expect((await client.resources()).map(({ uri }) => uri)).toContain('skybackup://backups/sandbox');
    const [latest, id] = await client.completePrompt('restore_drill', 'backup', '', { service: 'sandbox' });
    expect([latest, id?.split(':')[1]]).toEqual(['latest', 'sandbox']);
    expect(await client.read('skybackup://policy')).toContain('A person may lock a service');
  });
});

describe.each(eras)('a recovery window (%s)', (era) => {
  it('that reaches to now says so, and is the same a moment later', async () => {
    const client = await daemon.client(era);
    const windows = async (): Promise<{ service_id: string; to: string }[]> => {
      const { result } = await client.request('resources/read', { uri: 'skybackup://recovery-windows' }).answer;
      const [{ text } = { text: '' }] = (result?.contents ?? []) as { text: string }[];
      return JSON.parse(text).recovery_windows;
    };
    const { data } = await client.call('create_backup', { service: 'sandbox', type: 'binarylog' });
    await client.call('wait_for', data.wait_for as Record<string, unknown>);
    const seen = await windows();
    expect(seen.find(({ service_id }) => service_id === 'sandbox')).toMatchObject({ to: 'now' });
    const second = Math.floor(Date.now() / 1000);
    await expect.poll(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(second + 1);
    expect(await windows()).toEqual(seen);
  });
});
