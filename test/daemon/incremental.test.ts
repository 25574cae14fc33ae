import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backup } from '../../src/contract/backups.ts';
import { markerName } from '../../src/engine/managed/data-marker.ts';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { backupAfter, type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
});
afterAll(() => daemon.dispose());

/** The second of two: a list may show what began within one second in any order. */
let newest: Backup | undefined;

const ask = (): Promise<Answer> =>
  daemon.request('POST', '/skybackup/v1/backups/schedules', {
    backup_type: 'incremental',
    schedule: 'once',
    service_id: 'orders',
  });

/** Takes an incremental and waits for its end. */
async function incremental(): Promise<Backup> {
  const { status, body } = await ask();
  expect(status, JSON.stringify(body)).toBe(200);
  const job = await daemon.ended(Number(body.job_id));
  return daemon.api.getBackup(job.backup_id ?? '');
}

describe('an incremental backup, once', () => {
  it('is refused while there is no full one, with what to do, and leaves no schedule', async () => {
    const { status, body } = await ask();
    expect(status).toBe(409);
    expect(body.errors?.[0]).toMatchObject({ error: 'conflict', solution: expect.stringContaining('full backup') });
    // What would be refused again is told so, over the wire as well: a client must not go on asking.
    await expect(
      daemon.api.createSchedule({ backup_type: 'incremental', schedule: 'once', service_id: 'orders' }),
    ).rejects.toMatchObject({ code: 'conflict', retryable: false });
    expect((await daemon.api.listSchedules()).count).toBe(0);
    expect((await daemon.api.listBackups()).count).toBe(0);
  });

  it('names the full one at the root of its chain, in every list', async () => {
    const full = await takeBackup(daemon, 'orders');
    const chain = [await incremental(), await incremental()];
    newest = chain[1];
    for (const each of chain) {
      expect(each).toMatchObject({ type: 'incremental', status: 'Succeeded', reference_full_backup: full });
    }
    const { items } = await daemon.api.listBackups({ service_id: 'orders', type: 'incremental' });
    expect(items.map((each) => each.reference_full_backup)).toEqual([full, full]);
  });

  it('is planned and looked up with its whole chain', async () => {
    const request = { service_id: 'orders', id: newest?.id ?? '' };
    const plan = await daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: request });
    expect(plan.facts.replaced_by).toMatch(
      /^incremental backup \(with its full backup of .* and 1 incremental between\)/,
    );
    await daemon.api.daemon.declinePlan(plan.id, 'declined');
    expect(await daemon.api.lookupRestoreTargets({ backup_id: request.id, service_id: 'orders' })).toEqual([
      { service_id: 'orders', service_name: 'orders' },
    ]);
  });

  it('whose full is gone is refused naming it, whoever asks and however, and nothing is touched', async () => {
    const full = newest?.reference_full_backup ?? '';
    const folder = join(daemon.home.repository, 'v1', 'orders', full.split(':')[0] ?? '');
    renameSync(folder, `${daemon.home.root}/aside`);
    const refusal = { code: 'backup_damaged', message: expect.stringContaining(full) };
    const request = { service_id: 'orders', id: newest?.id ?? '' };
    await expect(daemon.api.createRestore({ service_id: 'orders', backup_id: newest?.id ?? '' })).rejects.toMatchObject(
      refusal,
    );
    await expect(
      daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: request }),
    ).rejects.toMatchObject(refusal);
    expect(await daemon.api.lookupRestoreTargets({ backup_id: request.id, service_id: 'orders' })).toEqual([]);
    renameSync(`${daemon.home.root}/aside`, folder);
    expect((await daemon.api.listRestores()).count).toBe(0);
  });
});

describe('a daemon that is killed during an incremental backup', () => {
  it.each(['incremental:copying', 'incremental:publishing'])('at %s leaves the chain as it was', async (at) => {
    const before = await daemon.api.listBackups({ status: 'Succeeded' });
    await daemon.stop();
    daemon = await daemon.restart({ sabotage: { act: 'kill', at } });
    await ask().catch(() => undefined);
    expect(await daemon.exit).toBeNull();
    daemon = await daemon.restart();
    const after = await daemon.api.listBackups({ status: 'Succeeded' });
    expect(after.items.map(({ id }) => id)).toEqual(before.items.map(({ id }) => id));
    const folders = readdirSync(join(daemon.home.repository, 'v1', 'orders')).sort();
    expect(folders).toEqual(after.items.map(({ id }) => id.split(':')[0]).sort());
    expect((await daemon.api.listBackups({ page_size: 1 })).items[0]).toMatchObject({ status: 'Failed' });
    expect(await incremental()).toMatchObject({ status: 'Succeeded' });
  });
});

describe('after the data were put back by hand', () => {
  it('an incremental is refused, a full one makes a new beginning, and incrementals go on from that', async () => {
    const datadir = (await daemon.api.getService('orders')).datadir ?? '';
    // A data directory from elsewhere, or from mariadb-backup, has no marker.
    rmSync(join(datadir, markerName));
    const refused = await daemon.ended(Number((await ask()).body.job_id));
    expect(refused).toMatchObject({
      status: 'Failed',
      error: { code: 'conflict', message: expect.stringContaining('marked'), hint: expect.stringContaining('full') },
    });
    const full = await takeBackup(daemon, 'orders');
    const warnings = (await daemon.api.getBackup(full)).warnings;
    expect(JSON.stringify(warnings)).toContain('replaced outside of skybackup');
    expect(await incremental()).toMatchObject({ status: 'Succeeded', reference_full_backup: full });
    await orders.sql('DROP TABLE shop.legacy;');
    expect((await daemon.request('GET', '/healthz')).body.idle).toBe(true);
  });

  it('a restore by skybackup is such a beginning too: of an incremental, with what it stands on', async () => {
    await orders.sql("INSERT INTO shop.settings VALUES ('before', 'it');");
    const sums = await orders.checksums();
    const last = await incremental();
    await orders.sql('DELETE FROM shop.settings; DROP TABLE shop.orders;');
    const restore = await daemon.api.createRestore({ service_id: 'orders', backup_id: last.id });
    expect((await daemon.ended(restore.job_id ?? 0)).status).toBe('Succeeded');
    expect(await orders.checksums()).toEqual(sums);
    expect(await daemon.api.getRestore(restore.id)).toMatchObject({ type: 'physical', backup_id: last.id });
    const { backup_id } = await backupAfter(daemon, restore.id);
    expect(await incremental()).toMatchObject({ reference_full_backup: backup_id });
  });
});
