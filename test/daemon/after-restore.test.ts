import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Restore } from '../../src/contract/restores.ts';
import { runCli } from '../cli/run-cli.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type BackedUpScene, backedUpScene, backupAfter, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: BackedUpScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await backedUpScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

async function restored(): Promise<Restore> {
  const asked = await daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup });
  expect((await daemon.ended(asked.job_id ?? 0)).status).toBe('Succeeded');
  return asked;
}
/** All backups that restores want, or wanted. */
const wanted = async () =>
  (await daemon.api.listSchedules({ page_size: 1000 })).items.filter(
    ({ after_restore }) => after_restore !== undefined,
  );
const power = async (on: boolean): Promise<void> => {
  const { job_id } = await daemon.api.setPower('orders', on);
  await daemon.ended(Number(job_id));
};

describe('after a restore or an undo a full backup is taken by itself', () => {
  it('once, of a service without any schedule, and says why in every list', async () => {
    const { id } = await restored();
    const schedule = await backupAfter(daemon, id);
    expect(schedule).toMatchObject({ schedule: 'once', type: 'full', status: 'Succeeded', service_id: 'orders' });
    expect(schedule.message).toContain(`taken after restore ${id}`);
    const job = await daemon.api.daemon.getJob(schedule.job_id ?? 0);
    expect(job).toMatchObject({ kind: 'full', status: 'Succeeded', message: expect.stringContaining(`restore ${id}`) });
    const backup = await daemon.api.getBackup(schedule.backup_id ?? '');
    expect(backup).toMatchObject({ type: 'full', status: 'Succeeded', message: `Taken after restore ${id}.` });
    expect((await daemon.api.listBackups({ service_id: 'orders' })).count).toBe(2);
    const told = (tool: string) =>
      runCli(['call', tool, '{"service":"orders"}'], { env: { SKYBACKUP_HOME: daemon.home.root } });
    for (const tool of ['list_backups', 'list_schedules']) {
      expect((await told(tool)).stdout).toMatch(new RegExp(`taken after restore ${id}`, 'i'));
    }
    // What it was taken for: the next incremental has something to build on.
    const next = { backup_type: 'incremental', schedule: 'once', service_id: 'orders' } as const;
    const { job_id } = await daemon.api.createSchedule(next);
    expect((await daemon.ended(job_id ?? 0)).status).toBe('Succeeded');
  });

  it('also after an undo', async () => {
    const restore = await restored();
    await backupAfter(daemon, restore.id);
    const undo = await daemon.api.daemon.undoRestore(restore.id);
    expect((await daemon.ended(undo.job_id ?? 0)).status).toBe('Succeeded');
    expect(await backupAfter(daemon, undo.id)).toMatchObject({ type: 'full', status: 'Succeeded' });
  });

  it('and makes way for an undo, or another restore, that comes while it runs', { timeout: 120_000 }, async () => {
    await orders.sql(
      'USE shop; CREATE TABLE shop.bulky (v LONGBLOB); INSERT INTO shop.bulky SELECT RANDOM_BYTES(1000000) FROM seq_1_to_200;',
    );
    const big = await takeBackup(daemon, 'orders');
    const asked = await daemon.api.createRestore({ service_id: 'orders', backup_id: big });
    const status = async (job: number) => (await daemon.api.daemon.getJob(job)).status;
    await expect.poll(() => status(asked.job_id ?? 0), { interval: 20 }).toBe('Succeeded');
    const runs = async () => (await wanted()).find(({ after_restore }) => after_restore === asked.id);
    await expect.poll(async () => (await runs())?.status, { interval: 20 }).toBe('Running');
    const full = (await runs())?.job_id ?? 0;
    const { key } = await daemon.api.daemon.createKey({ role: 'requester' });
    const headers = { 'x-api-key': key };
    const undoOf = (query = '') =>
      daemon.request('POST', `/skybackup/v1/restores/${asked.id}/undo${query}`, {}, headers);
    // Who may not carry it out ends nothing.
    expect((await undoOf()).status).toBe(409);
    expect(await status(full)).toBe('Running');
    const plan = { operation: 'undo_restore', arguments: { id: asked.id } };
    const { body } = await daemon.request('POST', '/skybackup/v1/plans', plan, headers);
    await daemon.api.daemon.approvePlan(String(body.id), { channel: 'terminal', typed_id: 'orders' });
    const undo = await undoOf(`?plan_id=${body.id}`);
    expect(undo.status).toBe(200);
    expect(await status(full)).toBe('Cancelled');
    expect((await daemon.ended(Number(undo.body.job_id))).status).toBe('Succeeded');
    expect(await backupAfter(daemon, Number(undo.body.id))).toMatchObject({ type: 'full', status: 'Succeeded' });
    expect(await runs()).toBeUndefined();
    await orders.sql('DROP TABLE shop.bulky');
  });

  it('of another service as well, and not of one that a restore made', async () => {
    await daemon.api.daemon.registerService({ id: 'billing', control: { kind: 'managed' }, nightly: false });
    const onto = await daemon.api.createRestore({ service_id: 'billing', backup_id: orders.backup });
    await daemon.ended(onto.job_id ?? 0);
    expect(await backupAfter(daemon, onto.id)).toMatchObject({ service_id: 'billing', status: 'Succeeded' });
    const copy = await daemon.api.createRestore({ target: 'new', backup_id: orders.backup });
    expect((await daemon.ended(copy.job_id ?? 0)).status).toBe('Succeeded');
    expect((await daemon.api.listSchedules({ service_id: copy.service_id })).count).toBe(0);
  });

  it('waits while the service is stopped, whatever becomes of the daemon, and is taken as soon as it runs', async () => {
    await power(false);
    const before = (await daemon.api.listBackups({ service_id: 'orders' })).count;
    const first = await restored();
    const { id } = await restored();
    // The later one stands for both.
    expect((await wanted()).filter(({ next_run_at }) => next_run_at !== undefined)).toMatchObject([
      { after_restore: id, status: 'Scheduled', message: expect.stringMatching(/stopped.*restore/) },
    ]);
    expect((await wanted()).some(({ after_restore }) => after_restore === first.id)).toBe(false);
    await daemon.kill9();
    daemon = await daemon.restart();
    expect((await daemon.api.listBackups({ service_id: 'orders' })).count).toBe(before);
    await power(true);
    expect(await backupAfter(daemon, id)).toMatchObject({ status: 'Succeeded' });
    expect((await daemon.api.listBackups({ service_id: 'orders' })).count).toBe(before + 1);
  });

  it('is not taken twice where a backup of the restored data came first', async () => {
    await power(false);
    const { id } = await restored();
    const [waiting] = (await wanted()).filter(({ after_restore }) => after_restore === id);
    expect(waiting?.next_run_at).toBeDefined();
    await power(true);
    const own = await takeBackup(daemon, 'orders').catch(async () => (await backupAfter(daemon, id)).backup_id);
    expect(await backupAfter(daemon, id)).toMatchObject({
      status: 'Succeeded',
      message: expect.stringContaining(`${own}`),
    });
  });
});

describe('a daemon that is killed', () => {
  it.each(['connecting', 'copying'])('while it takes that backup (%s) takes it after its restart', async (phase) => {
    await daemon.stop();
    daemon = await daemon.restart({ sabotage: { act: 'kill', at: `full:${phase}` } });
    const asked = await daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup });
    expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
    daemon = await daemon.restart();
    expect((await daemon.api.getRestore(asked.id)).status).toBe('Succeeded');
    expect(await backupAfter(daemon, asked.id)).toMatchObject({ status: 'Succeeded' });
  });

  it('before it could record the restore takes it after its restart, and once', async () => {
    await power(false);
    const asked = await restored();
    await daemon.kill9();
    // What is recorded of its end is one transaction: here it never came to be.
    const state = new DatabaseSync(daemon.home.state);
    state.exec(`UPDATE restores SET status = 'Running', finished_at = NULL WHERE id = ${asked.id};
      UPDATE jobs SET status = 'Running', finished_at = NULL WHERE id = ${asked.job_id};
      UPDATE job_lanes SET active = 1 WHERE job_id = ${asked.job_id};
      DELETE FROM schedules WHERE after_restore = ${asked.id};`);
    state.close();
    daemon = await daemon.restart();
    expect(await daemon.api.getRestore(asked.id)).toMatchObject({
      status: 'Succeeded',
      message: expect.stringContaining('before it could say so'),
    });
    await power(true);
    expect(await backupAfter(daemon, asked.id)).toMatchObject({ status: 'Succeeded' });
    expect((await wanted()).filter(({ after_restore }) => after_restore === asked.id)).toHaveLength(1);
  });
});
