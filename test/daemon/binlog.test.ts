import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

const write = (): Promise<string> =>
  orders.sql("INSERT INTO shop.legacy VALUES (2000, 'x') ON DUPLICATE KEY UPDATE v = CONCAT(v, 'z')");
const start = (backup_type: 'binarylog' | 'full') =>
  daemon.api.createSchedule({ backup_type, schedule: 'once', service_id: 'orders' });
const archive = async (): Promise<Job> => daemon.ended((await start('binarylog')).job_id ?? 0);
const folders = (): string[] => readdirSync(join(daemon.home.repository, 'v1', 'orders'));

describe('a backup of type binarylog', () => {
  it('is listed with its positions', async () => {
    const job = await archive();
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded', lane: 'binlog', kind: 'binarylog' });
    const backup = await daemon.api.getBackup(job.backup_id ?? '');
    expect(backup).toMatchObject({
      type: 'binarylog',
      method: 'mariadb-binlog',
      status: 'Succeeded',
      reference_full_backup: '',
      binlog_gtid_position: await orders.sql('SELECT @@gtid_binlog_pos'),
    });
    expect(backup.point_in_time).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    const logs = readdirSync(join(daemon.home.repository, 'v1', 'orders', backup.id.slice(0, 32)));
    expect(logs.at(-1)).toBe('manifest.json');
    expect(logs.at(-2)).toBe(`${backup.binlog_file}.zst`);
    expect(backup.binlog_position).toBeGreaterThan(0);
    // It rolls another backup forward: by itself it is none that a service could go back to.
    expect((await daemon.api.getService('orders')).last_backup_at).toBeUndefined();
    await expect(daemon.api.createRestore({ service_id: 'orders', backup_id: backup.id })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  it('that finds nothing new succeeds, says so, and is not listed', async () => {
    const before = await daemon.api.listBackups();
    const schedule = await start('binarylog');
    const job = await daemon.ended(schedule.job_id ?? 0);
    expect(job).toMatchObject({ status: 'Succeeded', message: expect.stringContaining('Nothing new') });
    expect(job.backup_id).toBeUndefined();
    const after = await daemon.api.getSchedule(schedule.id);
    expect(after).toMatchObject({ status: 'Succeeded', message: expect.stringContaining('Nothing new') });
    expect(after.backup_id).toBeUndefined();
    expect((await daemon.api.listBackups()).count).toBe(before.count);
  });

  it('runs while a full backup does', async () => {
    const session = await connect(orders.connection);
    try {
      await session.query('LOCK TABLES shop.legacy WRITE');
      await session.query("INSERT INTO shop.legacy VALUES (2001, 'x')");
      const full = await start('full');
      await expect
        .poll(async () => (await daemon.api.daemon.getJob(full.job_id ?? 0)).phase, { timeout: 20_000 })
        .toBe('waiting for lock');
      const job = await archive();
      expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
      expect(job.backup_id).toBeDefined();
      expect((await daemon.api.daemon.getJob(full.job_id ?? 0)).status).toBe('Running');
      await session.query('UNLOCK TABLES');
      expect((await daemon.ended(full.job_id ?? 0)).status).toBe('Succeeded');
    } finally {
      await session.close();
    }
  });

  it.each(['binarylog:copying', 'binarylog:publishing'])(
    'leaves no half backup when the daemon is killed at %s, and the next run takes all',
    async (at) => {
      await write();
      await daemon.stop();
      daemon = await daemon.restart({ sabotage: { act: 'kill', at } });
      const before = folders();
      await start('binarylog').catch(() => undefined);
      expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
      daemon = await daemon.restart();
      expect(folders()).toEqual(before);
      await expect.poll(() => daemon.processes()).toHaveLength(1);
      const [newest] = (await daemon.api.listBackups({ page_size: 1 })).items;
      expect(newest).toMatchObject({ type: 'binarylog', status: 'Failed' });
      const job = await archive();
      expect(job).toMatchObject({ status: 'Succeeded' });
      // The logs of before are known from their manifests: nothing is missing, nothing is archived again.
      expect(job.warnings).toBeUndefined();
      expect(folders()).toHaveLength(before.length + 1);
    },
  );

  it('leaves nothing when it is cancelled', async () => {
    await write();
    await daemon.stop();
    daemon = await daemon.restart({ sabotage: { act: 'cancel', at: 'binarylog:copying' } });
    const before = folders();
    const job = await archive();
    expect(job).toMatchObject({ status: 'Cancelled', error: { code: 'cancelled' } });
    expect(folders()).toEqual(before);
    await expect.poll(() => daemon.processes()).toHaveLength(1);
    expect(await archive()).toMatchObject({ status: 'Succeeded' });
  });
});
