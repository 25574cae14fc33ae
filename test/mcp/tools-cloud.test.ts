import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, type CloudDoubleOptions, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup } from '../doubles/cloud-state.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble | undefined;
let client: RawClient | undefined;
let home: { home: string; remove: () => Promise<void> };

beforeEach(async () => {
  home = await newHome();
});
afterEach(async () => {
  await client?.close();
  await cloud?.close();
  await home.remove();
});

async function start(options: CloudDoubleOptions = {}, env: Record<string, string> = {}) {
  cloud = await startCloudDouble(options);
  client = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...env }), 'modern');
  return { cloud, client };
}

const forms = ['x-api-key', 'bearer'] as const;
const revisions = ['early', 'new'] as const;
const cases = revisions.flatMap((revision) => forms.map((form) => ({ revision, form })));

describe.each(cases)('the tools against the $revision revision, key as $form', ({ revision, form }) => {
  it('go the whole way: look, back up, wait, restore, start, schedule, unschedule', async () => {
    const { cloud, client } = await start({ revision, forms: [form] }, { SKYSQL_AUTH: form });
    const services = await client.call('list_services', {});
    expect(services).toMatchObject({ isError: false, data: { count: 3 } });
    expect(await client.call('list_services', { service: 'dbtgf28044362' })).toMatchObject({
      data: { recovery_windows: [{ from: '2024-03-25 02:00:00 UTC', to: '2024-03-26 17:00:00 UTC' }] },
    });

    // A domain name is as good as an id.
    const fqdn = 'dbtgf28044362.sysp0000.db2.skysql.com';
    const started = await client.call('create_backup', { service: fqdn });
    expect(started).toMatchObject({ data: { id: 253, service_id: 'dbtgf28044362' } });
    const backup = await client.call('wait_for', started.data.wait_for as Record<string, unknown>);
    expect(backup).toMatchObject({ data: { finished: true, outcome: 'done' } });
    const id = String(backup.data.backup_id);
    expect(await client.call('list_backups', { service: 'orders', id: 'latest' })).toMatchObject({
      data: { backups: [{ id, status: 'Succeeded' }] },
    });
    expect(await client.call('list_backups', { id })).toMatchObject({ data: { count: 1, backups: [{ id }] } });

    const asking = await client.ask('restore_backup', { service: 'orders', backup: 'latest' });
    expect(asking.message).toContain(id);
    const restore = await asking.answer('accept', { typed_id: 'dbtgf28044362' });
    const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
    expect(after).toMatchObject({ data: { finished: true, service_status: 'stopped', backup_id: id } });
    for (const words of ['start_service', 'users and passwords', 'Undo:']) expect(after.text).toContain(words);
    expect(await client.call('start_service', { service: 'orders' })).toMatchObject({ isError: false });
    expect(await client.call('list_restores', { service: 'orders' })).toMatchObject({ data: { count: 1 } });

    const weekly = await client.call('create_schedule', { service: 'orders', cron: '30 2 * * 0' });
    expect(weekly.text).toContain('At 02:30, only on Sunday (UTC)');
    const schedule = Number(weekly.data.id);
    expect(await client.call('update_schedule', { id: schedule, cron: '30 2 * * *' })).toMatchObject({
      isError: false,
    });
    const removal = await client.ask('delete_schedule', { id: schedule });
    expect(await removal.answer('accept', { typed_id: String(schedule) })).toMatchObject({ data: { deleted: true } });
    const left = await client.call('list_schedules', { service: 'orders' });
    expect(left.text).toContain('At 02:00, every day (UTC)');
    expect(JSON.stringify(left.data)).not.toContain(`"id":${schedule},`);
    expect(
      cloud.requests.every(({ headers }) => (form === 'bearer' ? headers.authorization : headers['x-api-key'])),
    ).toBe(true);
  });
});

describe.each(revisions)('how well services are covered, judged from the lists of the %s revision', (revision) => {
  it('says what is critical and why, of all and of one, also where others are hidden', async () => {
    const { cloud, client } = await start({ revision, advance: false });
    const all = await client.call('check_backups', {});
    expect(all).toMatchObject({ isError: false, data: { verdict: 'critical', count: 3 } });
    // The early revision does not say that the schedules are new.
    const [critical, warning] = revision === 'early' ? [3, 0] : [2, 1];
    expect(all.text).toContain(`of 3 services ${critical} critical, ${warning} warning, 0 ok`);
    expect(all.text).not.toContain('1970');
    expect(all.text).toMatch(/tx-filip-mdb-ms\): CRITICAL · data saved up to 2024-03-26 17:18:21 UTC/);

    const moment = (ago: number): string => new Date(Date.now() - ago).toISOString();
    const hour = 3_600_000;
    const [printed] = cloud.state.backups;
    if (printed === undefined) throw new Error('no backup is printed');
    for (const [index, status] of ['Succeeded', 'Failed', 'Error', 'Failed'].entries()) {
      const id = `${String(index).repeat(32)}:dbtgf28044362:pod-0`;
      const times = { start_time: moment((30 - index) * hour), end_time: moment((30 - index) * hour - 60_000) };
      const point_in_time = times.start_time.slice(0, 19).replace('T', ' ');
      cloud.state.backups.push({ ...printed, ...times, id, service_id: 'dbtgf28044362', point_in_time, status });
    }
    for (const schedule of cloud.state.schedules) schedule.created_at = moment(72 * hour);
    const orders = await client.call('check_backups', { service: 'orders' });
    const codes = (orders.data.services as [{ reasons: { code: string }[] }])[0].reasons.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['overdue', 'failing']));
    expect(orders.text).toContain('The last 3 full backups of dbtgf28044362 failed');
    expect(orders.text).toContain(`newest good · full`);
  });

  it('says a service is well when it is', async () => {
    const { cloud, client } = await start({ revision, advance: false }, { SKYBACKUP_SERVICES: 'dbtgf28216706' });
    const [backup] = cloud.state.backups;
    const [schedule] = cloud.state.schedules;
    const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
    if (backup)
      Object.assign(backup, {
        start_time: ago(60_000),
        end_time: ago(30_000),
        point_in_time: ago(60_000).slice(0, 19).replace('T', ' '),
      });
    if (schedule) Object.assign(schedule, { service_id: 'dbtgf28216706', created_at: ago(86_400_000) });
    const reply = await client.call('check_backups', {});
    expect(reply).toMatchObject({ data: { verdict: 'ok', count: 1 } });
    expect(reply.text).toContain('Nothing has to be done');
    expect(JSON.stringify(reply)).not.toContain('dbtgf28044362');
  });
});

it('a service is stopped in the cloud only with a yes, once; work there cannot be cancelled, so no tool says it can', async () => {
  const { cloud, client } = await start({ advance: false });
  const asking = await client.ask('stop_service', { service: 'orders' });
  expect(asking.message).toContain('Stop service dbtgf28044362');
  expect(cloud.state.services[0]?.status).toBe('ready');
  expect(await asking.answer('accept', { typed_id: 'dbtgf28044362' })).toMatchObject({ isError: false });
  expect(cloud.state.services[0]?.status).toBe('pending_stop');
  const refused = await (await client.ask('stop_service', { service: 'reports' })).answer('decline');
  expect(refused.data.status).toBe('declined');
  expect(cloud.requests.filter(({ path }) => path.endsWith('/power'))).toHaveLength(1);
  const [service] = cloud.state.services;
  if (service) service.status = 'stopped';
  expect((await client.call('stop_service', { service: 'orders' })).text).toContain('is stopped already');
  expect(await client.call('cancel_job', { job_id: 1 })).toMatchObject({ isError: true });
});

describe.each(revisions)('the record of a restore in the %s revision', (revision) => {
  it('is deleted only with a yes, and not while the restore runs', async () => {
    const { cloud, client } = await start({ revision, advance: false, runningRestore: true });
    const running = await client.call('delete_restore', { id: 12 });
    expect(running).toMatchObject({ isError: true, data: { error: { code: 'conflict' } } });
    const asking = await client.ask('delete_restore', { id: 13 });
    expect(asking.message).toContain('Delete the record of restore 13 of service dbtgf28216706');
    expect(asking.message).toContain('dda9b72460c9c0d9d61a7f01b6a33e39:dbtgf28216706:tx-filip-mdb-ms-0');
    expect(cloud.state.restores).toHaveLength(2);
    expect(await asking.answer('accept', { typed_id: '13' })).toMatchObject({
      isError: false,
      data: { deleted: true },
    });
    expect(cloud.state.restores.map(({ id }) => id)).toEqual([12]);
    expect(await client.call('delete_restore', { id: 13 })).toMatchObject({ data: { error: { code: 'not_found' } } });
  });
});

describe("the cloud's rules are told", () => {
  it('an incremental without a full, before the cloud is asked', async () => {
    const { cloud, client } = await start();
    const reply = await client.call('create_backup', { service: 'reports', type: 'incremental' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
    expect(reply.text).toContain('Take a full one first');
    expect(cloud.requests.some(({ method }) => method === 'POST')).toBe(false);
  });

  it('snapshots only on Azure', async () => {
    const { cloud, client } = await start();
    const [service] = cloud.state.services;
    if (service) service.provider = 'azure';
    const reply = await client.call('create_schedule', { service: 'orders', cron: '0 3 * * *' });
    expect(reply.text).toContain('snapshots only');
  });

  it('the Administrator role behind a 403, the key behind a 401', async () => {
    const { client } = await start({ role: 'viewer' });
    const reply = await client.call('create_backup', { service: 'orders' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'forbidden', retryable: false } } });
    expect(reply.text).toContain('Administrator role');
    const { client: stranger } = await start({}, { SKYSQL_API_KEY: 'not-the-right-key-at-all' });
    const refused = await stranger.call('list_services', {});
    expect(refused).toMatchObject({ isError: true, data: { error: { code: 'unauthorized' } } });
    expect(JSON.stringify(refused)).not.toContain('not-the-right-key-at-all');
  });

  it('no restore onto another cloud provider; the possible targets are named', async () => {
    const { client } = await start();
    const reply = await client.call('restore_backup', {
      service: 'reports',
      backup: 'latest',
      source: 'dbtgf28216706',
    });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
    expect(reply.text).toContain('dbtgf28044362');
  });

  it('a point in time only within the window that the cloud gives', async () => {
    const { client } = await start({ advance: false });
    const outside = await client.call('restore_backup', { service: 'orders', point_in_time: '2024-03-27 00:00:00' });
    expect(outside.text).toContain('2024-03-25 02:00:00 UTC to 2024-03-26 17:00:00 UTC');
    const none = await client.call('restore_backup', { service: 'reports', point_in_time: '2024-03-26 00:00:00' });
    expect(none.text).toContain('expire_logs_days');
    const asking = await client.ask('restore_backup', {
      service: 'orders',
      point_in_time: '2024-03-26T12:00:00Z',
      safety_backup: false,
    });
    expect(asking.message).toContain('Data as of: 2024-03-26 12:00:00 UTC');
    const reply = await asking.answer('accept', { typed_id: 'dbtgf28044362' });
    expect(reply).toMatchObject({ isError: false });
    expect(cloud?.requests.findLast(({ method }) => method === 'POST')?.body).toEqual({
      service_id: 'dbtgf28044362',
      id: 'dbtgf28044362',
      point_in_time: '2024-03-26 12:00:00',
    });
  });

  it('a restore of a foreign backup warns of stale credentials', async () => {
    const { cloud, client } = await start();
    cloud.state.backups.push(ownBackup('dbtgf28044362'));
    const asking = await client.ask('restore_backup', { service: 'orders', backup: 'latest', source: 'dbtgf28216706' });
    expect(asking.message).toContain('become those of dbtgf28216706');
    const restore = await asking.answer('accept', { typed_id: 'dbtgf28044362' });
    const after = await client.call('wait_for', restore.data.wait_for as Record<string, unknown>);
    expect(after.data).toMatchObject({ users_of: 'dbtgf28216706', warnings: [expect.stringContaining('stale')] });
  });
});

describe('a service is named forgivingly and never guessed', () => {
  it('an ambiguous name lists its candidates', async () => {
    const { cloud, client } = await start();
    for (const service of cloud.state.services) service.name = 'twins';
    const reply = await client.call('create_backup', { service: 'Twins' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    expect(reply.text).toContain('dbtgf28044362');
    expect(reply.text).toContain('dbpgf17106534');
    expect(await client.call('create_backup', { service: 'dbpgf17106534' })).toMatchObject({ isError: false });
  });

  it('an unfinished backup is not restored', async () => {
    const { cloud, client } = await start({ advance: false });
    const [backup] = cloud.state.backups;
    if (backup) backup.status = 'Running';
    const byId = await client.call('restore_backup', { service: 'orders', backup: backup?.id ?? '' });
    expect(byId).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    const newest = await client.call('restore_backup', { service: 'dbtgf28216706', backup: 'latest' });
    expect(newest).toMatchObject({ isError: true, data: { error: { code: 'not_found' } } });
  });

  it('numbers that come as text are numbers', async () => {
    const { client } = await start();
    expect(await client.call('list_schedules', { id: '200' })).toMatchObject({ isError: false, data: { count: 1 } });
  });
});

describe('long lists', () => {
  it('come in parts that the cursor joins, each item once', async () => {
    const { cloud, client } = await start({ advance: false });
    const [printed] = cloud.state.backups;
    for (let i = 0; i < 62 && printed; i += 1) {
      const hex = i.toString(16).padStart(32, '0');
      cloud.state.backups.push({ ...printed, id: `${hex}:dbtgf28216706:tx-filip-mdb-ms-0` });
    }
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const reply = await client.call('list_backups', { limit: 25, ...(cursor && { cursor }) });
      expect(reply.data.count).toBe(63);
      seen.push(...(reply.data.backups as { id: string }[]).map(({ id }) => id));
      cursor = reply.data.next_cursor as string | undefined;
      if (cursor) expect(reply.text).toContain(`cursor "${cursor}"`);
    } while (cursor);
    expect(new Set(seen).size).toBe(63);
    expect(seen).toHaveLength(63);
    expect(await client.call('list_backups', { cursor: 'x' })).toMatchObject({ isError: true });
  });
});

describe('SKYBACKUP_SERVICES', () => {
  const hidden = 'dbtgf28216706';
  const backup = 'eda3b72460c8c0d9d61a7f01b6a22e32:dbtgf28216706:tx-filip-mdb-ms-0';

  it('hides every other service, as source and as target, in ids, counts, resources and completion', async () => {
    const { client } = await start({}, { SKYBACKUP_SERVICES: 'dbtgf28044362' });
    const replies = [
      await client.call('list_services', {}),
      await client.call('list_backups', {}),
      await client.call('list_restores', {}),
      await client.call('list_schedules', {}),
      await client.call('restore_backup', { service: 'orders', backup: 'latest' }),
    ];
    expect(JSON.stringify(replies)).not.toContain(hidden);
    expect(replies[0]).toMatchObject({ data: { count: 1 } });
    expect(replies[1]).toMatchObject({ data: { count: 0 } });
    const read = await client.request('resources/read', { uri: 'skybackup://backups' }).answer;
    expect(JSON.stringify(read)).not.toContain(hidden);
    const completed = await client.request('completion/complete', {
      ref: { type: 'ref/resource', uri: 'skybackup://backups/{service_id}' },
      argument: { name: 'service_id', value: '' },
    }).answer;
    expect(completed.result).toMatchObject({ completion: { values: ['dbtgf28044362'] } });
  });

  it('hides them too where the cloud lists the schedules of all, whoever is named', async () => {
    const { cloud, client } = await start({}, { SKYBACKUP_SERVICES: hidden });
    const orders = 'dbtgf28044362';
    const path = '/skybackup/v1/backups/schedules';
    const headers = { 'x-api-key': cloud.key };
    const body = await (await fetch(`${cloud.url}${path}?service_id=${orders}`, { headers })).text();
    expect(body).toContain(orders);
    cloud.fault({ path, times: 99, body });
    const reply = await client.call('list_schedules', {});
    expect(reply).toMatchObject({ isError: false, data: { schedules: [] } });
    expect(JSON.stringify(reply)).not.toContain(orders);
  });

  it('a hidden id answers exactly like one that does not exist', async () => {
    const { client } = await start({ advance: false }, { SKYBACKUP_SERVICES: 'dbtgf28044362' });
    const alike: [string, Record<string, unknown>, Record<string, unknown>][] = [
      ['list_backups', { id: backup }, { id: backup.replaceAll('dbtgf28216706', 'dbtgf00000000') }],
      ['list_backups', { service: hidden }, { service: 'dbtgf00000000' }],
      ['create_backup', { service: hidden }, { service: 'dbtgf00000000' }],
      ['list_restores', { id: 13 }, { id: 99 }],
      ['delete_restore', { id: 13 }, { id: 99 }],
      [
        'restore_backup',
        { service: 'orders', backup },
        { service: 'orders', backup: backup.replaceAll(hidden, 'dbtgf00000000') },
      ],
    ];
    for (const [tool, real, invented] of alike) {
      const plain = (value: unknown): string =>
        JSON.stringify(value).replaceAll('dbtgf00000000', hidden).replaceAll(' 99', ' 13');
      expect(plain(await client.call(tool, real))).toBe(plain(await client.call(tool, invented)));
    }
  });
});
