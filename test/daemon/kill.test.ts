import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyStatus } from '../../src/contract/status.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type BackedUpScene, backedUpScene } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: BackedUpScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await backedUpScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

/** What must hold after a restart, whatever the daemon was killed at. */
async function expectOrder(): Promise<void> {
  // A restore that was finished wants a backup, which begins at once.
  for (const { id } of (await daemon.api.listRestores()).items) await daemon.backedUpAfter(id);
  const [backups, schedules, restores] = [
    await daemon.api.listBackups(),
    await daemon.api.listSchedules(),
    await daemon.api.listRestores(),
  ];
  for (const each of [...backups.items, ...schedules.items, ...restores.items]) {
    expect(classifyStatus(each.status), JSON.stringify(each)).not.toBe('in_progress');
  }
  for (const { job_id } of [...schedules.items, ...restores.items]) {
    if (job_id !== undefined)
      expect(classifyStatus((await daemon.api.daemon.getJob(job_id)).status)).not.toBe('in_progress');
  }
  // Each listed backup is there, and nothing else is.
  const succeeded = backups.items.filter(({ status }) => status === 'Succeeded').map(({ id }) => id.split(':')[0]);
  expect(readdirSync(join(daemon.home.repository, 'v1', 'orders')).sort()).toEqual(succeeded.sort());
  // The target's own server is the one process of the home; no staging, no private socket, no work directory is left.
  await expect.poll(() => daemon.processes()).toHaveLength(1);
  const left = readdirSync(join(daemon.home.services, 'orders')).filter((name) =>
    /staging|journal|removing/.test(name),
  );
  expect(left).toEqual([]);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`skybackup-work-${killedPid}-`))).toEqual([]);
  expect((await daemon.api.getService('orders')).status).toBe('ready');
  expect((await daemon.request('GET', '/healthz')).body.idle).toBe(true);
}

let killedPid = 0;

/** Restarts the daemon so that it kills itself at the beginning of a phase, does the work, and restarts it as usual. */
async function killedAt(at: string, work: () => Promise<unknown>): Promise<void> {
  await daemon.stop();
  daemon = await daemon.restart({ sabotage: { act: 'kill', at } });
  killedPid = daemon.pid;
  // The answer may be lost with the daemon; what counts is what is found afterwards.
  await work().catch(() => undefined);
  expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
  daemon = await daemon.restart();
}

describe('a daemon that is killed during a backup', () => {
  it.each([
    ['full', 'connecting'],
    ['full', 'copying'],
    ['full', 'publishing'],
    ['dump', 'connecting'],
    ['dump', 'copying'],
    ['dump', 'publishing'],
  ] as const)('of type %s, %s, leaves no half backup', async (backup_type, phase) => {
    const before = (await daemon.api.listBackups({ status: 'Succeeded' })).count;
    await killedAt(`${backup_type}:${phase}`, () =>
      daemon.api.createSchedule({ backup_type, schedule: 'once', service_id: 'orders' }),
    );
    await expectOrder();
    expect((await daemon.api.listBackups({ status: 'Succeeded' })).count).toBe(before);
    const [newest] = (await daemon.api.listBackups({ page_size: 1 })).items;
    expect(newest).toMatchObject({ status: 'Failed', message: expect.stringContaining('daemon ended') });
    expect(await orders.checksums()).toEqual(orders.backedUp);
    expect(existsSync(daemon.home.socket)).toBe(true);
  });
});

describe('a daemon that is killed during a restore', () => {
  it.each(['restore:checking', 'restore:materialising', 'restore:preparing', 'restore:proving', 'restore:swapping'])(
    'at %s leaves all tables old or all new, and says which',
    async (at) => {
      await orders.sql(
        "UPDATE shop.customers SET note = CONCAT('after ', id); INSERT INTO shop.legacy VALUES (1000, 'x') ON DUPLICATE KEY UPDATE v = 'y';",
      );
      const changed = await orders.checksums();
      expect(changed).not.toEqual(orders.backedUp);
      await killedAt(at, () => daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup }));
      await expectOrder();
      const [restore] = (await daemon.api.listRestores({ page_size: 1 })).items;
      const job = await daemon.api.daemon.getJob(restore?.job_id ?? 0);
      expect(job.status).toBe(restore?.status);
      expect(await orders.checksums()).toEqual(restore?.status === 'Succeeded' ? orders.backedUp : changed);
    },
  );

  it('at any moment of the exchange itself: the same', async () => {
    // The phases above begin before the exchange; these kills fall at moments inside of it, wherever they happen to fall.
    for (const wait of [10, 120, 250]) {
      await orders.sql("INSERT INTO shop.legacy VALUES (1001, 'x') ON DUPLICATE KEY UPDATE v = CONCAT(v, 'z');");
      const changed = await orders.checksums();
      const started = await daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup });
      for (;;) {
        const job = await daemon.api.daemon.getJob(started.job_id ?? 0);
        if (job.phase === 'swapping' || classifyStatus(job.status) !== 'in_progress') break;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
      killedPid = daemon.pid;
      await daemon.kill9();
      daemon = await daemon.restart();
      await expectOrder();
      const restore = await daemon.api.getRestore(started.id);
      expect(await orders.checksums()).toEqual(restore.status === 'Succeeded' ? orders.backedUp : changed);
      if (restore.status === 'Succeeded') {
        expect(existsSync(restore.kept_data ?? '')).toBe(true);
        expect(restore.users_from).toBe('orders');
      }
    }
  });

  it('lets the service be restored afterwards as if nothing had been', async () => {
    const again = await daemon.api.createRestore({ service_id: 'orders', backup_id: orders.backup });
    expect((await daemon.ended(again.job_id ?? 0)).status).toBe('Succeeded');
    expect(await orders.checksums()).toEqual(orders.backedUp);
    await expectOrder();
  });
});
