import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type BackedUpScene, backedUpScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: BackedUpScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await backedUpScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

/** A daemon that has a job cancelled at the beginning of a phase. */
async function cancellingAt(at: string): Promise<void> {
  await daemon.stop();
  daemon = await daemon.restart({ sabotage: { act: 'cancel', at } });
}

/** Only the target's own server is left, and nothing half done beside its data or in the repository. */
async function expectNothingLeft(backups: number): Promise<void> {
  await expect.poll(() => daemon.processes()).toHaveLength(1);
  expect(readdirSync(join(daemon.home.services, 'orders')).filter((name) => /staging|journal/.test(name))).toEqual([]);
  expect(readdirSync(join(daemon.home.repository, 'v1', 'orders'))).toHaveLength(backups);
}

it.each(['full:connecting', 'full:copying', 'full:publishing'])(
  'a backup that is cancelled at %s is Cancelled and leaves nothing',
  async (at) => {
    await cancellingAt(at);
    const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' });
    const job = await daemon.ended(schedule.job_id ?? 0);
    const after = await daemon.api.getSchedule(schedule.id);
    const listed = await daemon.api.getBackup(job.backup_id ?? '');
    // A cancel that comes when the manifest is being written comes too late; then the backup is whole.
    expect([after.status, listed.status]).toEqual([job.status, job.status]);
    expect(['Cancelled', ...(at === 'full:publishing' ? ['Succeeded'] : [])]).toContain(job.status);
    if (job.status === 'Cancelled') expect(job.error?.code).toBe('cancelled');
    await expectNothingLeft((await daemon.api.listBackups({ status: 'Succeeded' })).count);
    await takeBackup(daemon, 'orders');
  },
);

it.each(['restore:checking', 'restore:materialising', 'restore:preparing', 'restore:proving', 'restore:swapping'])(
  'a restore that is cancelled at %s leaves the target as it was, running, or is done',
  async (at) => {
    await orders.sql("INSERT INTO shop.legacy VALUES (2000, 'x') ON DUPLICATE KEY UPDATE v = CONCAT(v, '.');");
    const changed = await orders.checksums();
    await cancellingAt(at);
    const restore = await daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup });
    const job = await daemon.ended(restore.job_id ?? 0);
    const after = await daemon.api.getRestore(restore.id);
    expect(after.status).toBe(job.status);
    expect(['Cancelled', ...(at === 'restore:swapping' ? ['Succeeded'] : [])], JSON.stringify(job)).toContain(
      job.status,
    );
    expect(await orders.checksums()).toEqual(job.status === 'Cancelled' ? changed : orders.backedUp);
    expect((await daemon.api.getService('orders')).status).toBe('ready');
    await expectNothingLeft((await daemon.api.listBackups({ status: 'Succeeded' })).count);
  },
);

it('a stop cancels what runs, cleanly, and says so after the next start', async () => {
  const blocker = orders.sql('LOCK TABLES shop.legacy WRITE; SELECT SLEEP(600);').catch(() => undefined);
  const sleeping = "FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND state = 'User sleep'";
  await expect.poll(() => orders.sql(`SELECT COUNT(*) ${sleeping}`)).toBe('1');
  const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' });
  await expect.poll(async () => (await daemon.api.daemon.getJob(schedule.job_id ?? 0)).status).toBe('Running');
  expect(await daemon.stop()).toBe(0);
  await orders.sql(await orders.sql(`SELECT CONCAT('KILL ', id) ${sleeping}`));
  await blocker;
  daemon = await daemon.restart();
  const job = await daemon.api.daemon.getJob(schedule.job_id ?? 0);
  expect(job).toMatchObject({ status: 'Cancelled', error: { code: 'interrupted' } });
  expect(await daemon.api.getSchedule(schedule.id)).toMatchObject({ status: 'Cancelled' });
  await expectNothingLeft((await daemon.api.listBackups({ status: 'Succeeded' })).count);
});
