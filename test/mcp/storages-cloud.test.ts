import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeStorage } from '../../src/storages/storage-files.ts';
import { runCli } from '../cli/run-cli.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const service = 'dbtgf28044362';
const credentials = Buffer.from(
  '[default]\naws_access_key_id = a\naws_secret_access_key = a-secret-of-the-tests\n',
).toString('base64');
let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  home = await newHome();
  const added_at = '2026-11-25T00:00:00Z';
  const files = { storages: `${home.home}/storages` };
  writeStorage(files, { format: 1, name: 'prod', path: 's3://our-bucket/backups', credentials, added_at });
  writeStorage(files, { format: 1, name: 'disk', path: 'file:///backups', added_at });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(env: Record<string, string> = {}, elicitation = true): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...env }), 'modern', {
    elicitation,
  });
  clients.push(client);
  return client;
}
const sent = () =>
  cloud.requests.flatMap(({ method, path, body }) => (method === 'POST' && path.endsWith('/schedules') ? [body] : []));

describe.each(['early', 'new'] as const)('own buckets in the %s revision of the cloud', (revision) => {
  beforeEach(async () => {
    cloud = await startCloudDouble({ revision });
  });

  it('a person says yes to the first use; then bucket and credentials go out with each schedule', async () => {
    const client = await start();
    const listed = await client.call('list_storages', {});
    expect(listed.data.storages).toEqual([{ name: 'prod', path: 's3://our-bucket/backups', services: [] }]);
    const args = { service: 'orders', storage: 'prod' };
    const no = await client.ask('create_backup', args);
    for (const words of [service, 's3://our-bucket/backups', 'for the first time', 'gets the credentials'])
      expect(no.message).toContain(words);
    await no.answer('decline');
    expect(sent()).toEqual([]);

    const yes = await client.ask('create_backup', args);
    expect(await yes.answer('accept', { typed_id: service })).toMatchObject({
      isError: false,
      data: { service_id: service },
    });
    const external_storage = { bucket: { path: 's3://our-bucket/backups', credentials } };
    expect(sent()).toEqual([{ service_id: service, backup_type: 'full', schedule: 'once', external_storage }]);

    // Known from now on, by its domain name too; elsewhere it is new.
    const weekly = await client.call('create_schedule', {
      service: `${service}.sysp0000.db2.skysql.com`,
      cron: '0 3 * * 0',
      storage: 'prod',
    });
    expect(weekly, weekly.text).toMatchObject({ isError: false });
    expect(sent()[1]).toEqual({ service_id: service, backup_type: 'full', schedule: '0 3 * * 0', external_storage });
    const other = await client.ask('create_backup', { service: 'dbpgf17106534', storage: 'prod' });
    await other.answer('decline');
    const said = [no.message, yes.message, ...client.lines, client.stderr].join('\n');
    for (const secret of [credentials, 'a-secret-of-the-tests']) expect(said).not.toContain(secret);
  });

  it('the terminal is as good as the form, and what is yes to one bucket is not to another', async () => {
    const client = await start({}, false);
    const args = { service: 'orders', cron: '0 3 * * 0', storage: 'prod' };
    const first = await client.call('create_schedule', args);
    expect(first).toMatchObject({ data: { status: 'needs_approval' } });
    const { code } = first.data.plan as { code: string };
    const env = { SKYBACKUP_HOME: home.home, ...cloudEnvironment(cloud) };
    expect((await runCli(['approve', code, '--confirm', service], { env })).code).toBe(0);
    // The name stands for another bucket now.
    writeStorage(
      { storages: `${home.home}/storages` },
      { format: 1, name: 'prod', path: 's3://another', credentials, added_at: '2026-11-25T00:00:01Z' },
    );
    expect(await client.call('create_schedule', args)).toMatchObject({
      isError: true,
      data: { error: { code: 'target_changed' } },
    });
    expect(sent()).toEqual([]);

    const again = await client.call('create_schedule', args);
    const { code: next } = again.data.plan as { code: string };
    expect((await runCli(['approve', next, '--confirm', service], { env })).code).toBe(0);
    expect(await client.call('create_schedule', args)).toMatchObject({
      isError: false,
      data: { id: expect.any(Number) },
    });
    expect(sent()).toMatchObject([{ external_storage: { bucket: { path: 's3://another' } } }]);
  });
});

describe('in the cloud', () => {
  beforeEach(async () => {
    cloud = await startCloudDouble();
  });

  it('an unknown storage, and a folder of this machine, are refused with those there are', async () => {
    const client = await start();
    for (const storage of ['nowhere', 'disk', 'local', 's3://free/path']) {
      const reply = await client.call('create_backup', { service: 'orders', storage });
      expect(reply).toMatchObject({ isError: true, data: { error: { code: 'not_found' } } });
      expect(reply.text).toContain('There are: prod');
    }
    expect(sent()).toEqual([]);
  });

  it('only reading is left with SKYBACKUP_READ_ONLY, and hidden services stay hidden', async () => {
    const reader = await start({ SKYBACKUP_READ_ONLY: '1' });
    expect(await reader.call('list_storages', {})).toMatchObject({ isError: false });
    const refused = await reader.call('create_backup', { service: 'orders', storage: 'prod' });
    expect(refused.isError || refused.error !== undefined).toBe(true);

    writeStorage(
      { storages: `${home.home}/storages` },
      {
        format: 1,
        name: 'prod',
        path: 's3://our-bucket',
        added_at: '2026-11-25T00:00:00Z',
        cloud_services: [service, 'dbpgf17106534'],
      },
    );
    const narrow = await start({ SKYBACKUP_SERVICES: service });
    const { data } = await narrow.call('list_storages', {});
    expect(data.storages).toMatchObject([{ services: [service] }]);
    expect(await narrow.call('create_backup', { service: 'dbpgf17106534', storage: 'prod' })).toMatchObject({
      isError: true,
    });
    expect(sent()).toEqual([]);
  });
});
