import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Restore } from '../../src/contract/restores.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { containsGtids } from '../../src/engine/mariadb/gtid.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
let backup: string;
let backedUp: Record<string, number | null>;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
  backup = await takeBackup(daemon, 'orders');
  backedUp = await orders.checksums();
});
afterAll(() => daemon.dispose());

async function restored(): Promise<Restore> {
  const asked = await daemon.api.createRestore({ service_id: 'orders', backup_id: backup });
  expect((await daemon.ended(asked.job_id ?? 0)).status).toBe('Succeeded');
  return daemon.api.getRestore(asked.id);
}

async function undone(id: number): Promise<Restore> {
  const asked = await daemon.api.daemon.undoRestore(id);
  expect(await daemon.ended(asked.job_id ?? 0)).toMatchObject({ kind: 'undo', status: 'Succeeded' });
  return daemon.api.getRestore(asked.id);
}

async function gtids(): Promise<string> {
  const server = await connect(orders.connection);
  try {
    return (await server.query<{ state: string }>('SELECT @@GLOBAL.gtid_binlog_state AS state'))[0]?.state ?? '';
  } finally {
    await server.close();
  }
}

const incarnation = (): string =>
  JSON.parse(readFileSync(join(daemon.home.services, 'orders', 'data', 'skybackup-incarnation.json'), 'utf8'))
    .incarnation;
const keptIds = async (): Promise<number[]> =>
  (await daemon.api.daemon.listKeptCopies()).map(({ restore_id }) => restore_id);

async function expectTidy(): Promise<void> {
  const names = readdirSync(join(daemon.home.services, 'orders'));
  expect(names.filter((name) => /staging|journal|removing/.test(name))).toEqual([]);
  await expect.poll(() => daemon.processes()).toHaveLength(1);
  expect((await daemon.api.getService('orders')).status).toBe('ready');
}

describe('an undo', () => {
  it('puts the data of before back, issues no GTID twice, and can be undone itself', async () => {
    await orders.sql(
      "DROP TABLE shop.orders; CREATE USER late@localhost; INSERT INTO shop.audit (what) VALUES ('damage')",
    );
    const damaged = await orders.checksums();
    const restore = await restored();
    expect(await orders.checksums()).toEqual(backedUp);
    await orders.sql("INSERT INTO shop.audit (what) VALUES ('since the restore'), ('again')");
    const since = await orders.checksums();
    const [before, first] = [await gtids(), incarnation()];

    const undo = await undone(restore.id);
    expect(undo).toMatchObject({
      status: 'Succeeded',
      undo_of: restore.id,
      service_id: 'orders',
      users_from: 'orders',
    });
    expect(undo.backup_id).toBeUndefined();
    expect(undo.message).toContain(`Restore ${restore.id} is undone`);
    expect(undo.downtime_ms).toBeGreaterThan(0);
    expect(await orders.checksums()).toEqual(damaged);
    expect(containsGtids(await gtids(), before)).toBe(true);
    expect(incarnation()).not.toBe(first);
    await orders.sql("INSERT INTO shop.audit (what) VALUES ('a new number')");
    expect(containsGtids(before, await gtids())).toBe(false);
    await expectTidy();

    // What it took out is kept for 72 hours in turn; what it put back is used up.
    expect(await keptIds()).toEqual([undo.id]);
    const [kept] = await daemon.api.daemon.listKeptCopies();
    expect(kept).toMatchObject({ service_id: 'orders', path: undo.kept_data, kept_until: expect.any(String) });
    expect(kept?.bytes).toBeGreaterThan(1_000_000);
    expect(Date.parse(undo.kept_until ?? '')).toBeGreaterThan(Date.now() + 71 * 3_600_000);
    expect((await daemon.api.listRestores({ order: 'desc' })).items[0]).toMatchObject({ kept_bytes: kept?.bytes });
    await expect(daemon.api.daemon.undoRestore(restore.id)).rejects.toMatchObject({
      code: 'nothing_to_undo',
      message: expect.stringContaining('no longer kept'),
    });
    expect((await daemon.api.getHealth('orders')).services[0]?.last_proven_restore?.restore_id).toBe(restore.id);

    const again = await undone(undo.id);
    expect(await orders.checksums()).toEqual(since);
    expect(await keptIds()).toEqual([again.id]);
    await expectTidy();
  });

  it('needs a plan that says what is lost, and is refused when the target changed since', async () => {
    const restore = await restored();
    await orders.sql("INSERT INTO shop.audit (what) VALUES ('one')");
    await orders.sql("INSERT INTO shop.audit (what) VALUES ('two')");
    const plans = daemon.api.daemon;
    const plan = await plans.createPlan({ operation: 'undo_restore', arguments: { id: restore.id } });
    expect(plan.facts).toMatchObject({ confirm_id: 'orders', service_id: 'orders' });
    expect(plan.facts.title).toContain(`Undo restore ${restore.id}`);
    expect(plan.facts.lost.join()).toMatch(/since the restore, at .*: about 2 transactions, up to GTID /);
    expect(plan.facts.undo).toContain('72 hours');
    expect(plan.facts.size_bytes).toBeGreaterThan(1_000_000);
    const carriedOut = () => plans.undoRestore(restore.id, { planId: plan.id });
    await expect(carriedOut()).rejects.toMatchObject({ code: 'plan_not_approved' });
    await plans.approvePlan(plan.id, { channel: 'terminal', typed_id: 'orders' });
    await takeBackup(daemon, 'orders');
    await expect(carriedOut()).rejects.toMatchObject({ code: 'target_changed' });
    expect(await keptIds()).toContain(restore.id);
    await daemon.api.daemon.lockService('orders', {});
    await expect(plans.createPlan({ operation: 'undo_restore', arguments: { id: restore.id } })).rejects.toMatchObject({
      code: 'locked',
    });
    await daemon.api.daemon.unlockService('orders');
  });

  it('of data that do not pass their proof changes nothing, and leaves them as they were', async () => {
    const restore = await restored();
    const now = await orders.checksums();
    const broken = join(restore.kept_data ?? '', 'shop', 'customers.ibd');
    const marker = join(restore.kept_data ?? '', 'skybackup-incarnation.json');
    const before = readFileSync(marker, 'utf8');
    truncateSync(broken, 100);
    const asked = await daemon.api.daemon.undoRestore(restore.id);
    expect(await daemon.ended(asked.job_id ?? 0)).toMatchObject({
      status: 'Failed',
      error: { code: 'restore_failed' },
    });
    expect(await orders.checksums()).toEqual(now);
    expect(readFileSync(marker, 'utf8')).toBe(before);
    expect(await keptIds()).toContain(restore.id);
    await expectTidy();

    // Ahead of their time they go by a person's word alone.
    const remove = (typed: string) => daemon.api.daemon.removeKeptCopy(restore.id, typed);
    await expect(remove('')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(remove('shop')).rejects.toMatchObject({ code: 'invalid_request' });
    await remove('orders');
    expect(existsSync(restore.kept_data ?? '')).toBe(false);
    await expect(remove('orders')).rejects.toMatchObject({ code: 'nothing_to_undo' });
    expect((await daemon.api.getRestore(restore.id)).kept_data).toBeUndefined();
    const failed = daemon.api.daemon.undoRestore(asked.id);
    await expect(failed).rejects.toMatchObject({ code: 'nothing_to_undo', message: expect.stringContaining('Failed') });
    await expect(daemon.api.daemon.undoRestore(999)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('of a restore whose record alone is left is refused, saying so', async () => {
    const restore = await restored();
    rmSync(restore.kept_data ?? '', { recursive: true });
    await expect(daemon.api.daemon.undoRestore(restore.id)).rejects.toMatchObject({ code: 'nothing_to_undo' });
  });
});

describe('a daemon that is killed while it undoes', () => {
  it.each(['proving', 'swapping'])(
    'in the phase %s leaves old or new, complete, and can be asked again',
    async (phase) => {
      await orders.sql(`INSERT INTO shop.audit (what) VALUES ('before ${phase}')`);
      const before = await orders.checksums();
      const restore = await restored();
      const now = await orders.checksums();
      await daemon.stop();
      daemon = await daemon.restart({ sabotage: { act: 'kill', at: `undo:${phase}` } });
      await daemon.api.daemon.undoRestore(restore.id).catch(() => undefined);
      expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
      daemon = await daemon.restart();
      await expectTidy();
      const [undo] = (await daemon.api.listRestores({ order: 'desc' })).items;
      expect(undo).toMatchObject({ undo_of: restore.id, status: 'Failed' });
      expect(await orders.checksums()).toEqual(now);
      await undone(restore.id);
      expect(await orders.checksums()).toEqual(before);
    },
  );
});
