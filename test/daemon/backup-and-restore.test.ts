import { existsSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBackupId } from '../../src/contract/ids.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { approvedRestorePlan, type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

describe('a one-time schedule', () => {
  it('makes a backup that is listed with the names of both revisions, and shows it', async () => {
    const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' });
    expect(schedule).toMatchObject({ service_id: 'orders', schedule: 'once', type: 'full', status: 'Scheduled' });
    const job = await daemon.ended(schedule.job_id ?? 0);
    expect(job).toMatchObject({ kind: 'full', status: 'Succeeded', schedule_id: schedule.id });
    expect(await daemon.api.getSchedule(schedule.id)).toMatchObject({ status: 'Succeeded', backup_id: job.backup_id });

    const { body } = await daemon.request('GET', '/skybackup/v1/backups?service_id=orders.sysp0000.db2.skysql.com');
    const [backup] = body.backups as Record<string, unknown>[];
    expect(body).toMatchObject({ backups_count: 1, pages_count: 1 });
    expect(isBackupId(String(backup?.id))).toBe(true);
    expect(backup).toMatchObject({
      service_id: 'orders',
      type: 'full',
      status: 'Succeeded',
      reference_full_backup: '',
    });
    expect(backup?.backup_size).toBe(backup?.storage_bytes);
    expect(backup?.point_in_time).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect((await daemon.request('GET', `/skybackup/v1/backups/${backup?.id}`)).body.id).toBe(backup?.id);
    expect((await daemon.request('GET', '/skybackup/v1/backups/orders')).body.backups_count).toBe(1);
    expect((await daemon.api.getService('orders')).last_backup_at).toBe(backup?.end_time);
  });

  it('cannot be changed, and not be of a type that is not taken yet', async () => {
    const [once] = (await daemon.api.listSchedules({ service_id: 'orders' })).items;
    await expect(daemon.api.updateSchedule(once?.id ?? 0, { suspended: true })).rejects.toMatchObject({
      code: 'invalid_schedule',
    });
    for (const backup_type of ['snapshot'] as const) {
      const request = daemon.api.createSchedule({ backup_type, schedule: 'once', service_id: 'orders' });
      await expect(request).rejects.toMatchObject({ code: 'unsupported', status: 400 });
    }
  });
});

describe('a repeated schedule', () => {
  it('shows its next run, is changed, suspended, resumed and deleted', async () => {
    const created = await daemon.api.createSchedule({
      backup_type: 'full',
      schedule: ' 0  3 * * * ',
      service_id: 'orders',
    });
    expect(created).toMatchObject({ schedule: '0 3 * * *', status: 'Scheduled', suspended: false });
    expect(created.next_run_at).toMatch(/T03:00:00Z$/);
    const hourly = await daemon.api.updateSchedule(created.id, { schedule: '30 * * * *' });
    expect(hourly.next_run_at).toMatch(/:30:00Z$/);
    const suspended = await daemon.api.updateSchedule(created.id, { suspended: true });
    expect(suspended).toMatchObject({ suspended: true });
    expect(suspended.next_run_at).toBeUndefined();
    expect((await daemon.api.updateSchedule(created.id, { suspended: false })).next_run_at).toBeTruthy();
    await expect(daemon.api.updateSchedule(created.id, { schedule: '0 3 * *' })).rejects.toMatchObject({
      code: 'invalid_schedule',
    });
    await daemon.api.deleteSchedule(created.id);
    await expect(daemon.api.getSchedule(created.id)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a restore', () => {
  it('brings every table back to the state of the backup, keeps the old data, and tells all that', async () => {
    const backup = await takeBackup(daemon, 'orders');
    const good = await orders.checksums();
    await orders.sql(
      'DROP TABLE shop.orders; UPDATE shop.customers SET name = CONCAT(name, "!"); CREATE TABLE shop.later (id INT);',
    );
    const plan_id = await approvedRestorePlan(daemon, 'orders', backup);
    const restore = await daemon.api.createRestore({ service_id: 'orders', backup_id: backup, plan_id });
    expect(restore).toMatchObject({ service_id: 'orders', backup_id: backup, key: backup, type: 'physical' });
    expect((await daemon.ended(restore.job_id ?? 0)).status).toBe('Succeeded');

    expect(await orders.checksums()).toEqual(good);
    const done = await daemon.api.getRestore(restore.id);
    expect(done).toMatchObject({ status: 'Succeeded', users_from: 'orders' });
    expect(done.downtime_ms).toBeGreaterThan(0);
    expect(existsSync(done.kept_data ?? '')).toBe(true);
    expect(Date.parse(done.kept_until ?? '')).toBeGreaterThan(Date.now() + 71 * 3_600_000);
    expect(await daemon.api.getService('orders')).toMatchObject({ status: 'ready', is_active: true });

    expect(done.kept_bytes).toBeGreaterThan(1_000_000);
  });

  it('is offered only where it is possible, and refused with the reason elsewhere', async () => {
    const backup = await takeBackup(daemon, 'orders');
    expect(await daemon.api.lookupRestoreTargets({ backup_id: backup, service_id: 'orders' })).toEqual([
      { service_id: 'orders', service_name: 'orders' },
    ]);
    await expect(daemon.api.lookupRestoreTargets({ backup_id: backup, service_id: 'billing' })).rejects.toMatchObject({
      code: 'not_found',
    });
    const restore = (id: string) => daemon.request('POST', '/skybackup/v1/restores', { service_id: 'orders', id });
    expect(await restore('/backup.tar.gz')).toMatchObject({ status: 404 });
    expect(await restore(`${'0'.repeat(32)}:orders:orders-0`)).toMatchObject({ status: 404 });
  });

  it('can be deleted from the records once it is over', async () => {
    const [restore] = (await daemon.api.listRestores({ service_id: 'orders' })).items;
    await daemon.api.deleteRestore(restore?.id ?? 0);
    await expect(daemon.api.getRestore(restore?.id ?? 0)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('while a job runs on a service', () => {
  it('a second backup, a restore, a stop and forgetting are refused, naming the job', async () => {
    const backup = await takeBackup(daemon, 'orders');
    // A session that holds a table keeps the backup waiting for as long as the test needs.
    const blocker = orders.sql('LOCK TABLES shop.legacy WRITE; SELECT SLEEP(600);').catch(() => undefined);
    await expect
      .poll(() =>
        orders.sql(
          "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND state = 'User sleep'",
        ),
      )
      .toBe('1');
    const first = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' });
    const job = first.job_id ?? 0;
    const busy = { code: 'conflict', details: { job_id: job } };
    await expect(
      daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' }),
    ).rejects.toMatchObject(busy);
    expect((await daemon.api.listSchedules({ service_id: 'orders' })).items[0]?.id).toBe(first.id);
    await expect(daemon.api.createRestore({ service_id: 'orders', backup_id: backup })).rejects.toMatchObject(busy);
    await expect(daemon.api.setPower('orders', false)).rejects.toMatchObject(busy);
    await expect(daemon.api.deleteSchedule(first.id)).rejects.toMatchObject(busy);
    await expect(daemon.request('POST', '/skybackup/v1/drain', {})).resolves.toMatchObject({ status: 409 });
    await daemon.api.daemon.cancelJob(job);
    expect(await daemon.ended(job)).toMatchObject({ status: 'Cancelled', error: { code: 'cancelled' } });
    expect(await daemon.api.getSchedule(first.id)).toMatchObject({ status: 'Cancelled' });
    await orders
      .sql(
        "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND state = 'User sleep'",
      )
      .then((kill) => orders.sql(kill));
    await blocker;
    expect((await daemon.api.listRestores()).items.every(({ status }) => status === 'Succeeded')).toBe(true);
  });
});

describe('the repository is the truth', () => {
  it('a backup whose object is gone or cut is not listed as good, and one that is there is found again without the state', async () => {
    const [gone, cut, whole] = [
      await takeBackup(daemon, 'orders'),
      await takeBackup(daemon, 'orders'),
      await takeBackup(daemon, 'orders'),
    ];
    await daemon.stop();
    const folder = (id: string) => join(daemon.home.repository, 'v1', 'orders', id.split(':')[0] ?? '');
    const object = (id: string) =>
      join(folder(id), readdirSync(folder(id)).find((name) => name.startsWith('data')) ?? '');
    rmSync(object(gone));
    truncateSync(object(cut), 100);
    let again = await daemon.restart();
    try {
      const status = async (id: string) => (await again.api.getBackup(id)).status;
      expect(await status(gone)).toBe('Failed');
      expect(await status(cut)).toBe('Failed');
      expect(await status(whole)).toBe('Succeeded');
      await expect(again.api.createRestore({ service_id: 'orders', backup_id: gone })).rejects.toMatchObject({
        code: 'conflict',
      });
      await again.stop();
      for (const end of ['', '-wal', '-shm']) rmSync(`${daemon.home.state}${end}`, { force: true });
      again = await daemon.restart();
      expect((await again.api.getBackup(whole)).status).toBe('Succeeded');
      await expect(again.api.getBackup(gone)).rejects.toMatchObject({ code: 'not_found' });
      // Its server still runs: registering it again takes it back with its data.
      const back = await again.api.daemon.registerService({
        id: 'orders',
        control: { kind: 'managed' },
        nightly: false,
      });
      expect(back).toMatchObject({ status: 'ready', last_backup_at: expect.any(String) });
      expect(await orders.sql('SELECT COUNT(*) FROM shop.customers')).toBe('1000');
    } finally {
      await again.stop();
    }
  });
});
