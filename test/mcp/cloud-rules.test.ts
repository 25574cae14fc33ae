import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CloudDouble, type CloudDoubleOptions, startCloudDouble } from '../doubles/cloud.ts';
import { type CloudBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const source = 'dbtgf28216706';
const yes = { typed_id: orders };
const hour = 3_600_000;
const revisions = ['early', 'new'] as const;
let cloud: CloudDouble;
let client: RawClient | undefined;
let home: { home: string; remove: () => Promise<void> };

beforeEach(async () => {
  home = await newHome();
});
afterEach(async () => {
  await client?.close();
  await cloud.close();
  await home.remove();
});

async function start(options: CloudDoubleOptions = {}): Promise<RawClient> {
  cloud = await startCloudDouble(options);
  // The target has a backup of its own, so that a restore takes nothing away that is nowhere else.
  cloud.state.backups.push(backup(0, { start: 30_000 }));
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), 'modern');
  return client;
}

/** A backup of orders that began so long ago, by the cloud's clock. */
function backup(n: number, { type = 'full', start = 0, status = 'Succeeded', of = orders } = {}): CloudBackup {
  const at = new Date(Date.now() + cloud.state.skewMs - start).toISOString().slice(0, 19);
  return {
    id: `e${n.toString(16).padStart(31, '0')}:${of}:pod-0`,
    service_id: of,
    type,
    method: 'skybucket',
    server_pod: 'pod-0',
    bytes: 1,
    reference_full_backup: '',
    point_in_time: at.replace('T', ' '),
    start_time: `${at}Z`,
    end_time: `${at}Z`,
    status,
    external: false,
  };
}
const posted = (path: string): number =>
  cloud.requests.filter((each) => each.method === 'POST' && each.path === path).length;
const waitFor = ({ data }: { data: Record<string, unknown> }) => data.wait_for as Record<string, unknown>;

describe.each(revisions)('the backup that a one-time schedule made, in the %s revision', (revision) => {
  it.each([
    ['5 hours ahead of ours', 5 * hour, true],
    ['5 hours behind ours', -5 * hour, true],
    ['5 hours ahead and untold', 5 * hour, false],
    ['5 hours behind and untold', -5 * hour, false],
  ])("is never another's, with the cloud's clock %s", async (_, skewMs, date) => {
    const client = await start({ revision, skewMs, date });
    cloud.state.backups.push(
      backup(1, { start: 4 * hour }),
      backup(2, { start: 60_000 }),
      backup(3, { start: 20_000 }),
    );
    const started = await client.call('create_backup', { service: 'orders' });
    const others = new Set(cloud.state.backups.map(({ id }) => id));
    cloud.fault({
      path: '/skybackup/v1/backups',
      afterwards: (state) => void state.backups.push(backup(4, { type: 'dump' }), backup(5, { of: source })),
    });
    const waited = await client.call('wait_for', waitFor(started));
    expect(waited).toMatchObject({ data: { finished: true, outcome: 'done' } });
    const [made] = cloud.state.backups.filter(
      ({ id, type, service_id }) => !others.has(id) && type === 'full' && service_id === orders,
    );
    expect(waited.data.backup_id).toBe(made?.id);
    expect(waited.text).toContain('keeps it 7 days, and nothing deletes it earlier');
  });

  it.each([5, -5])(
    "a safety backup is fresh by the cloud's clock, %d hours off ours, and an old one is not",
    async (hours) => {
      const client = await start({ revision, advance: false, skewMs: hours * hour });
      const asking = await client.ask('restore_backup', { service: orders, backup: printedBackupId });
      await asking.answer('decline');
      cloud.state.backups.splice(
        0,
        cloud.state.backups.length,
        backup(1, { start: 5 * hour }),
        backup(2, { of: source }),
      );
      const reply = await client.call('restore_backup', { service: orders, backup: backup(2, { of: source }).id });
      expect(reply).toMatchObject({ isError: true, data: { error: { code: 'safety_backup_first' } } });
    },
  );

  it('is found long after it ended, behind hundreds of newer ones', async () => {
    const client = await start({ revision });
    const started = await client.call('create_backup', { service: 'orders' });
    const waited = await client.call('wait_for', waitFor(started));
    cloud.state.skewMs = 24 * hour;
    for (let n = 0; n < 250; n += 1) cloud.state.backups.push(backup(100 + n, { type: n % 2 ? 'full' : 'binarylog' }));
    const later = await client.call('wait_for', waitFor(started));
    expect(later.data.backup_id).toBe(waited.data.backup_id);
  });
});

describe.each(revisions)('an answer that is lost, in the %s revision', (revision) => {
  const args = { service: orders, backup: printedBackupId };
  const restores = '/skybackup/v1/restores';
  const lose = (fault: object): void => {
    if (revision === 'early') cloud.fault({ method: 'POST', path: restores });
    cloud.fault({ method: 'POST', path: restores, ...fault });
  };

  it('a restore is found by its list, followed, and not started a second time by the same call', async () => {
    const client = await start({ revision, advance: false });
    lose({ reset: 'after' });
    const reply = await (await client.ask('restore_backup', args)).answer('accept', yes);
    expect(reply).toMatchObject({ isError: false, data: { id: 14, wait_for: { kind: 'restore', id: 14 } } });
    expect(reply.text).toContain('must not be started again');
    const again = await client.call('restore_backup', args);
    expect(again).toMatchObject({ isError: true, data: { error: { code: 'conflict', retryable: false } } });
    expect(again.text).toContain('wait_for with {"kind":"restore","id":14}');
    expect(cloud.state.restores.filter(({ service_id }) => service_id === orders)).toHaveLength(1);

    // After its end a person is asked, and told that it has been done.
    for (const restore of cloud.state.restores) restore.status = 'Succeeded';
    const asking = await client.ask('restore_backup', args);
    expect(asking.message).toContain('Restore 14 brought the same already: Succeeded');
    await asking.answer('decline');
  });

  it('a restore that is nowhere to be seen: told where to look, and that nobody may repeat it before', async () => {
    const client = await start({ revision });
    lose({ reset: 'before' });
    const reply = await (await client.ask('restore_backup', args)).answer('accept', yes);
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unreachable', retryable: false } } });
    expect(reply.text).toContain(`list_restores with service "${orders}"`);
    expect(reply.text).toContain('only when it was not done');
    expect(cloud.state.restores).toHaveLength(1);
  });

  it('a one-time backup is looked for by the tool itself', async () => {
    const client = await start({ revision });
    cloud.fault({ method: 'POST', status: 504, done: true });
    const reply = await client.call('create_backup', { service: 'orders' });
    expect(reply).toMatchObject({ isError: false, data: { id: 253 } });
    expect(await client.call('wait_for', waitFor(reply))).toMatchObject({ data: { outcome: 'done' } });
    cloud.fault({ method: 'POST', reset: 'before' });
    const none = await client.call('create_backup', { service: 'orders' });
    expect(none.text).toContain('No new schedule is to be seen');
    expect(none.text).toContain(`list_schedules with service "${orders}"`);
    expect(posted('/skybackup/v1/backups/schedules')).toBe(2);
  });

  it.each([
    ['start_service', { service: 'orders' }, 'POST', `list_services with service "${orders}"`],
    ['update_schedule', { id: 200, cron: '0 1,2 * * *' }, 'PATCH', 'list_schedules with id 200'],
  ])('%s says which read tells', async (tool, given, method, read) => {
    const client = await start({ revision, advance: false });
    for (const service of cloud.state.services) service.status = 'stopped';
    cloud.fault({ method, reset: 'after' });
    const reply = await client.call(tool, given);
    expect(reply).toMatchObject({ isError: true, data: { error: { retryable: false } } });
    expect(reply.text).toContain(read);
    expect(cloud.requests.filter((each) => each.method === method)).toHaveLength(1);
  });
});

describe.each(revisions)("the cloud's rules in the %s revision", (revision) => {
  it('Azure has snapshots only, for a changed type as well, and a snapshot dies with its service', async () => {
    const client = await start({ revision });
    const [service] = cloud.state.services;
    if (service) service.provider = 'azure';
    for (const [tool, args] of [
      ['create_backup', { service: 'orders' }],
      ['create_schedule', { service: 'orders', cron: '0 3 * * *', type: 'dump' }],
      ['update_schedule', { id: 200, type: 'dump' }],
    ] as const) {
      expect((await client.call(tool, args)).text).toContain('snapshots only');
    }
    expect(cloud.requests.every(({ method }) => method === 'GET')).toBe(true);
    for (const [tool, args] of [
      ['create_backup', { service: 'orders', type: 'snapshot' }],
      ['create_schedule', { service: 'orders', cron: '0 3 * * *', type: 'snapshot' }],
    ] as const) {
      const reply = await client.call(tool, args);
      expect(reply).toMatchObject({
        isError: false,
        data: { warnings: [expect.stringContaining('dies with its service')] },
      });
    }
  });

  it('a one-time schedule cannot be changed, and nobody is asked in vain', async () => {
    const client = await start({ revision, advance: false });
    await client.call('create_backup', { service: 'orders' });
    const reply = await client.call('update_schedule', { id: 253, suspended: true });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
    expect(cloud.requests.some(({ method }) => method === 'PATCH')).toBe(false);
  });

  it('an incremental finds its full behind a week of hourly logs, in whatever order the cloud lists', async () => {
    const client = await start({ revision, lists: { ignoresOrder: true } });
    for (let n = 0; n < 170; n += 1) cloud.state.backups.push(backup(100 + n, { type: 'binarylog' }));
    const reply = await client.call('create_backup', { service: 'orders', type: 'incremental' });
    expect(reply, reply.text).toMatchObject({ isError: false });
  });

  it('"latest" is the newest, in whatever order and pages the cloud lists', async () => {
    const client = await start({ revision, advance: false, lists: { ignoresOrder: true, pageSize: 20 } });
    for (let n = 0; n < 130; n += 1) cloud.state.backups.unshift(backup(100 + n, { start: (n + 1) * 60_000 }));
    cloud.state.backups.splice(40, 0, backup(9, { start: 5000 }));
    const reply = await client.call('list_backups', { service: 'orders', id: 'latest' });
    expect(reply.data).toMatchObject({ backups: [{ id: backup(9).id }] });
    const asking = await client.ask('restore_backup', { service: 'orders', backup: 'latest' });
    expect(asking.message).toContain(backup(9).id);
    await asking.answer('decline');
  });

  it('binary logs are not restored by themselves', async () => {
    const client = await start({ revision });
    cloud.state.backups.push(backup(7, { type: 'binarylog' }));
    const reply = await client.call('restore_backup', { service: 'orders', backup: backup(7).id });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
    expect(reply.text).toContain('binary logs');
  });

  it('status words that nobody knows are shown as they are, and times in either form are read', async () => {
    const client = await start({ revision, advance: false });
    const [own] = cloud.state.backups;
    Object.assign(own ?? {}, {
      status: 'Frobnicating',
      start_time: '2026-01-02 03:04:05',
      point_in_time: '2026-01-02T03:04:05.123456Z',
      end_time: '0001-01-01T00:00:00Z',
    });
    const [restore] = cloud.state.restores;
    Object.assign(restore ?? {}, { status: 'WaitingForQuota', created_at: '2026-01-02 03:04:05' });
    const backups = await client.call('list_backups', { service: source });
    expect(backups.text).toContain('Frobnicating');
    expect(backups.text).toContain('2026-01-02 03:04:05 UTC');
    const waited = await client.call('wait_for', { kind: 'restore', id: 13, timeout: 0 });
    expect(waited).toMatchObject({ data: { finished: false, status: 'WaitingForQuota' } });
    if (revision === 'new') expect(waited.data.created_at).toBe('2026-01-02 03:04:05 UTC');
    // Hours without a change are a matter for those who run it.
    expect(waited.text).toContain("SkySQL's support must look");
    expect(waited.text).toContain('Never start it again meanwhile');
  });

  it.each([
    ['pending_modifying', 'until it is ready or stopped'],
    ['failed', "SkySQL's support must look"],
    ['stopped', 'offer start_service'],
    ['ready', 'take a new backup'],
  ])('a service that is %s after its restore: what to do', async (status, words) => {
    const client = await start({ revision, advance: false });
    for (const service of cloud.state.services) service.status = status;
    const after = await client.call('wait_for', { kind: 'restore', id: 13 });
    expect(after).toMatchObject({ data: { finished: true, service_status: status } });
    expect(after.text).toContain(words);
    expect(after.data.undo).toContain('backup that its plan named');
  });

  it('403 and 409 at the call: what was not allowed, and what to wait for', async () => {
    const client = await start({ revision, advance: false });
    const [schedule] = cloud.state.schedules;
    if (schedule) schedule.status = 'Running';
    const asking = await client.ask('delete_schedule', { id: 200 });
    const running = await asking.answer('accept', { typed_id: '200' });
    expect(running).toMatchObject({ isError: true, data: { error: { code: 'conflict' } } });
    expect(running.text).toContain('wait_for');
    cloud.fault({ method: 'POST', status: 403 });
    const refused = await client.call('create_schedule', { service: 'orders', cron: '0 3 * * *' });
    expect(refused.text).toContain('does not allow creating a backup or a schedule (HTTP 403)');
    expect(refused.text).toContain('needs the Administrator role');
    cloud.fault({ method: 'GET', path: /services$/, status: 403 });
    const reading = await client.call('list_services', {});
    expect(reading.text).toContain('does not allow reading services');
    expect(reading.text).toContain('is not documented');
  });
});

describe.each(revisions)('coverage judged from the %s revision', (revision) => {
  it('reads a week of hourly logs with plain times, whatever the order', async () => {
    const client = await start({ revision, advance: false, lists: { ignoresOrder: true } });
    cloud.state.backups.splice(0);
    for (let n = 0; n < 7 * 24 * 4; n += 1) {
      const type = n % 96 === 0 ? 'full' : 'binarylog';
      const one = backup(n, { type, start: 7 * 24 * hour - n * (hour / 4) });
      cloud.state.backups.push({ ...one, start_time: one.start_time.replace('T', ' ').replace('Z', '') });
    }
    const [schedule] = cloud.state.schedules;
    if (schedule) schedule.created_at = new Date(Date.now() - 72 * hour).toISOString();
    const reply = await client.call('check_backups', { service: 'orders' });
    const good = (reply.data.services as [{ last_good: { type: string; id: string }[] }])[0].last_good;
    expect(Object.fromEntries(good.map(({ type, id }) => [type, id]))).toEqual({
      full: backup(6 * 96).id,
      binarylog: backup(7 * 96 - 1).id,
    });
  });
});
