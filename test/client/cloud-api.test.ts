import { afterEach, describe, expect, test } from 'vitest';
import type { BackupApi } from '../../src/client/backup-api.ts';
import { openBackupApi } from '../../src/client/open.ts';
import { readSettings } from '../../src/client/settings.ts';
import { type CloudDouble, type CloudDoubleOptions, startCloudDouble } from '../doubles/cloud.ts';
import { printedBackupId } from '../doubles/cloud-state.ts';
import { failure } from '../failure.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function cloudApi(
  options: CloudDoubleOptions = {},
  settings: Record<string, string> = {},
): Promise<{ cloud: CloudDouble; api: BackupApi }> {
  const cloud = await startCloudDouble(options);
  const env = { HOME: '/nowhere', SKYSQL_API_KEY: cloud.key, SKYSQL_API_URL: cloud.url, ...settings };
  const api = openBackupApi(readSettings(env));
  open.push(api, cloud);
  return { cloud, api };
}

describe('both revisions read alike', () => {
  test.each(['early', 'new'] as const)('%s: services, backups, schedules, restores, look-ups', async (revision) => {
    const { api, cloud } = await cloudApi({ revision });
    const services = await api.listServices();
    expect(services.map((each) => [each.id, each.status])).toEqual([
      ['dbtgf28044362', 'ready'],
      ['dbtgf28216706', 'ready'],
      ['dbpgf17106534', 'ready'],
    ]);
    const backups = await api.listBackups({ service_id: 'dbtgf28216706' });
    expect(backups).toMatchObject({ count: 1, pages: 1, items: [{ id: printedBackupId, status: 'Succeeded' }] });
    expect(backups.items[0]?.storage_bytes ?? backups.items[0]?.backup_size).toBe(5_327_326);
    expect(await api.getBackup(printedBackupId)).toMatchObject({ id: printedBackupId, type: 'full' });
    expect(await api.listSchedules()).toMatchObject({ count: 2, items: [{ id: 200 }, { id: 215 }] });
    expect(await api.getSchedule(215)).toMatchObject({ id: 215, schedule: '0 3 * * *', type: 'incremental' });
    const restores = await api.listRestores();
    expect(restores).toMatchObject({ count: 1, pages: 1, items: [{ id: 13, status: 'Succeeded' }] });
    expect(await api.getRestore(13)).toMatchObject({ id: 13, type: 'physical' });
    const targets = await api.lookupRestoreTargets({ backup_id: printedBackupId, service_id: 'dbtgf28216706' });
    expect(targets.map((each) => each.service_id)).toEqual(['dbtgf28044362', 'dbtgf28216706']);
    expect(await api.lookupRecoveryWindows()).toMatchObject([{ service_id: 'dbtgf28044362' }]);
    expect(cloud.requests.every(({ headers }) => headers['x-api-key'] === cloud.key)).toBe(true);
  });

  test.each(['early', 'new'] as const)('%s: a backup, a schedule and a restore go their way', async (revision) => {
    const { api, cloud } = await cloudApi({ revision });
    const made = await api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'dbtgf28044362' });
    expect(made).toMatchObject({ id: 253, status: 'Scheduled', schedule: 'once' });
    expect((await api.getSchedule(253)).status).toBe('Running');
    expect((await api.getSchedule(253)).status).toBe('Succeeded');
    const [backup] = (await api.listBackups({ service_id: 'dbtgf28044362' })).items;
    expect(backup).toMatchObject({ type: 'full', status: 'Succeeded' });

    expect(await api.updateSchedule(215, { schedule: '0 9 * * *' })).toMatchObject({ schedule: '0 9 * * *' });
    await api.deleteSchedule(215);
    expect((await api.listSchedules({ service_id: 'dbtgf28044362' })).items.map((each) => each.id)).not.toContain(215);

    const restore = await api.createRestore({ service_id: 'dbtgf28044362', backup_id: printedBackupId });
    expect(restore).toMatchObject({ id: 14, status: 'Scheduled', service_id: 'dbtgf28044362' });
    expect(restore.backup_id ?? restore.key).toBe(printedBackupId);
    expect((await api.getRestore(14)).status).toBe('Running');
    expect((await failure(api.deleteRestore(14))).code).toBe('conflict');
    expect((await api.getRestore(14)).status).toBe('Succeeded');
    expect((await api.getService('dbtgf28044362')).status).toBe('stopped');
    await api.setPower('dbtgf28044362', true);
    expect((await api.getService('dbtgf28044362')).status).toBe('ready');
    await api.deleteRestore(14);
    const bodies = cloud.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/restores'));
    const sent = bodies.map(({ body }) => Object.keys(body as object).sort());
    expect(sent).toEqual(
      revision === 'early'
        ? [
            ['id', 'service_id'],
            ['key', 'service_id'],
          ]
        : [['id', 'service_id']],
    );
  });

  test.each(['object', 'array', 'paged'] as const)('a list that comes as %s is a list', async (shape) => {
    const { api, cloud } = await cloudApi();
    const [backup] = cloud.state.backups.map((each) => ({
      id: each.id,
      service_id: each.service_id,
      type: 'full',
      status: 'Succeeded',
      start_time: null,
      disk_size: 17,
      brand_new: { kept: true },
    }));
    const body = { object: backup, array: [backup], paged: { backups: [backup], backups_count: 1, pages_count: 1 } }[
      shape
    ];
    cloud.fault({ body: JSON.stringify(body) });
    const { items, count, pages } = await api.listBackups();
    expect({ count, pages }).toEqual({ count: 1, pages: 1 });
    expect(items[0]).toMatchObject({ id: printedBackupId, disk_size: '17', brand_new: { kept: true } });
    expect(items[0]).not.toHaveProperty('start_time');
  });

  test('null and empty answers are empty lists', async () => {
    const { api, cloud } = await cloudApi();
    cloud.fault({ body: '{"backups":null,"backups_count":0,"pages_count":0}' });
    expect(await api.listBackups()).toEqual({ items: [], count: 0, pages: 1 });
    cloud.fault({ body: 'null' });
    expect(await api.listServices()).toEqual([]);
  });

  test('numbers in quotation marks are read, a record without its id is refused by name', async () => {
    const { api, cloud } = await cloudApi();
    cloud.fault({ body: '{"id":"253","service_id":"s1","schedule":"once","type":"full","status":"Scheduled"}' });
    expect((await api.getSchedule(253)).id).toBe(253);
    cloud.fault({ body: '{"service_id":"s1"}' });
    expect(await failure(api.getSchedule(253))).toMatchObject({
      code: 'bad_answer',
      message: expect.stringContaining('"id"'),
    });
  });
});

describe('what the cloud needs asked in its way', () => {
  test('lists without a service walk the services after a 400, and at once the next time', async () => {
    const { api, cloud } = await cloudApi({ revision: 'new' });
    cloud.state.schedules.push({
      ...(cloud.state.schedules[0] ?? expect.fail()),
      id: 300,
      service_id: 'dbpgf17106534',
    });
    const page = await api.listSchedules({ order: 'desc', page_size: 2 });
    expect(page).toMatchObject({ count: 3, pages: 2, items: [{ id: 300 }, { id: 215 }] });
    cloud.requests.length = 0;
    expect((await api.listSchedules({ order: 'desc', page_size: 2, page: 2 })).items.map(({ id }) => id)).toEqual([
      200,
    ]);
    expect(cloud.requests.filter(({ path, query }) => path.endsWith('/schedules') && !query.service_id)).toEqual([]);
  });

  test('services are read page by page', async () => {
    const { api, cloud } = await cloudApi({ servicesPageSize: 1 });
    expect((await api.listServices()).map(({ id }) => id)).toEqual(cloud.state.services.map(({ id }) => id));
    expect(cloud.requests.map(({ query }) => query.page_token)).toEqual([undefined, '1', '2']);
  });

  test('one type of backup is chosen over all pages', async () => {
    const { api, cloud } = await cloudApi();
    const [first] = cloud.state.backups;
    if (!first) throw new Error('no printed backup');
    for (let n = 0; n < 230; n += 1) {
      const id = `${String(n).padStart(32, '0')}:dbtgf28216706:pod-0`;
      cloud.state.backups.push({ ...first, id, type: n % 2 === 0 ? 'incremental' : 'dump' });
    }
    const page = await api.listBackups({ type: 'dump', page: 2, page_size: 100 });
    expect(page).toMatchObject({ count: 115, pages: 2 });
    expect(page.items).toHaveLength(15);
    expect(await api.getBackup(`${'229'.padStart(32, '0')}:dbtgf28216706:pod-0`)).toMatchObject({ type: 'dump' });
  });

  test('a domain name is as good as a service id', async () => {
    const { api, cloud } = await cloudApi();
    const fqdn = 'dbtgf28044362.sysp0000.db2.skysql.com';
    expect((await api.getService(fqdn)).id).toBe('dbtgf28044362');
    await api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: fqdn });
    await api.createRestore({ service_id: fqdn, backup_id: fqdn, point_in_time: '2026-01-01 00:00:00' });
    await api.listBackups({ service_id: fqdn });
    await api.setPower(fqdn, false);
    expect(JSON.stringify(cloud.requests.map(({ path, query, body }) => [path, query, body]))).not.toContain(
      'sysp0000',
    );
  });

  test('the bearer form and the organisation are sent when set', async () => {
    const { api, cloud } = await cloudApi({ forms: ['bearer'] }, { SKYSQL_AUTH: 'bearer', SKYSQL_ORG: 'org42' });
    await api.listServices();
    expect(cloud.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${cloud.key}`, 'x-mdb-org': 'org42' });
    expect(cloud.requests[0]?.headers).not.toHaveProperty('x-api-key');
  });

  test('what only a daemon has is absent, and the binding tells key, organisation and address apart', async () => {
    const { api } = await cloudApi();
    expect(api.daemon).toBeUndefined();
    expect(api.provider).toMatchObject({ kind: 'cloud', capabilities: { plans: false, jobs: false } });
    const binding = (env: Record<string, string>): string =>
      openBackupApi(readSettings({ HOME: '/nowhere', ...env })).provider.binding;
    const bindings = [
      { SKYSQL_API_KEY: 'first-key' },
      { SKYSQL_API_KEY: 'second-key' },
      { SKYSQL_API_KEY: 'first-key', SKYSQL_ORG: 'o' },
      { SKYSQL_API_KEY: 'first-key', SKYSQL_API_URL: 'https://x.example' },
      { SKYBACKUP_API_KEY: 'first-key', SKYBACKUP_URL: 'https://x.example' },
      {},
    ].map(binding);
    expect(new Set(bindings).size).toBe(6);
    expect(binding({ SKYSQL_API_KEY: 'first-key', SKYSQL_AUTH: 'bearer' })).toBe(bindings[0]);
  });

  test('ids cannot climb out of their path', async () => {
    const { api, cloud } = await cloudApi();
    expect((await failure(api.getService('..'))).code).toBe('invalid_request');
    expect((await failure(api.getService('a/../../secret'))).code).toBe('not_found');
    expect(cloud.requests.map(({ path }) => path)).toEqual(['/provisioning/v1/services/a/']);
  });
});
