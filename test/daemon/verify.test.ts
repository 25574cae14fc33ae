import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Verification, VerifyRequest } from '../../src/contract/verifications.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
let key: string;
let backup: string;
let good: Record<string, number | null>;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
  key = (await daemon.api.daemon.createKey({ role: 'viewer' })).key;
  orders = await managedScene(daemon, 'orders');
  backup = await takeBackup(daemon, 'orders');
  good = await orders.checksums();
});
afterAll(() => daemon.dispose());

/** Whatever came of it: no folder and no process but the service's own, which has what it had. */
async function expectNothingLeft(): Promise<void> {
  const { verifications } = daemon.home;
  if (existsSync(verifications)) expect(readdirSync(verifications)).toEqual([]);
  await expect.poll(() => daemon.processes()).toHaveLength(1);
  expect(await orders.checksums()).toEqual(good);
}
afterEach(expectNothingLeft);

async function verified(id: string, checks: VerifyRequest = {}): Promise<Verification> {
  const started = await daemon.api.daemon.verifyBackup(id, checks);
  const job = await daemon.ended(started.job_id ?? 0);
  const verification = await daemon.api.daemon.getVerification(started.id);
  expect(verification.status).toBe(job.status);
  return verification;
}

const folderOf = (id: string): string => join(daemon.home.repository, 'v1', 'orders', id.split(':')[0] ?? '');

/** Changes one byte in the middle of a backup's data; again, and it is as it was. */
async function flipByte(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const at = Math.floor((await file.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte.writeUInt8(byte.readUInt8() ^ 0xff);
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

describe('a backup that is verified', () => {
  it('is proven, with what was measured', async () => {
    const proven = await verified(backup, { check_table: true, row_counts: true });
    expect(proven).toMatchObject({
      status: 'Succeeded',
      backup_id: backup,
      service_id: 'orders',
      recovery_seconds: expect.any(Number),
      message: expect.stringContaining('is proven'),
    });
    expect(proven.row_counts).toContainEqual(expect.objectContaining({ table: 'shop.customers', rows: 1000 }));
    const listed = await daemon.api.daemon.listVerifications({ backup_id: backup });
    expect(listed.items).toContainEqual(proven);
    expect((await daemon.api.daemon.listVerifications({ service_id: 'another' })).count).toBe(0);
    const { id, recovery_seconds } = proven;
    const { services } = await daemon.api.getHealth('orders');
    expect(services[0]?.last_proven_restore).toMatchObject({
      verification_id: id,
      backup_id: backup,
      recovery_seconds,
    });
    expect((await daemon.api.getBackup(backup)).last_verification).toMatchObject({ id, status: 'Succeeded' });
    const metrics = await fetch(`${daemon.url()}/metrics`, { headers: { 'x-api-key': key } });
    expect(await metrics.text()).toContain(`skybackup_measured_recovery_seconds{service="orders"} ${recovery_seconds}`);
  });

  it('and whose stored bytes were changed is found damaged, quickly and wholly', async () => {
    const data = join(folderOf(backup), 'data.xbstream.zst');
    await flipByte(data);
    for (const checks of [{ quick: true }, {}]) {
      const found = await verified(backup, checks);
      expect(found).toMatchObject({ status: 'Failed', error: { code: 'backup_damaged' } });
      expect(found.message).toContain(backup);
    }
    const { services } = await daemon.api.getHealth('orders');
    expect(services[0]).toMatchObject({ verdict: 'critical', reasons: [{ code: 'proof_failed' }, {}] });
    expect((await daemon.api.getBackup(backup)).last_verification).toMatchObject({ status: 'Failed' });
    const plans = daemon.api.daemon;
    const plan = await plans.createPlan({
      operation: 'restore_backup',
      arguments: { service_id: 'orders', id: backup },
    });
    await plans.declinePlan(plan.id, 'declined');
    expect(plan.facts.warnings[0]).toContain(`Backup ${backup} was found unsound`);
    await flipByte(data);
    expect((await verified(backup, { quick: true })).status).toBe('Succeeded');
  });

  it('and that holds a broken table is found so by CHECK TABLE', async () => {
    await orders.sql(`USE shop; CREATE TABLE shop.broken (id INT PRIMARY KEY, v VARCHAR(200)) ENGINE=MyISAM;
      INSERT INTO shop.broken SELECT seq, REPEAT(MD5(seq), 3) FROM seq_1_to_2000; FLUSH TABLES shop.broken;`);
    await flipByte(join(daemon.home.services, 'orders', 'data', 'shop', 'broken.MYD'));
    const broken = await takeBackup(daemon, 'orders');
    await orders.sql('DROP TABLE shop.broken');
    // It opens, and its first row can be read: so much the default looks at.
    expect((await verified(broken)).status).toBe('Succeeded');
    const found = await verified(broken, { check_table: true });
    expect(found).toMatchObject({ status: 'Failed', error: { code: 'proof_failed' } });
    expect(found.message).toContain('shop.broken');
  });

  it('and is a dump is imported, and proven with its rows', async () => {
    const { job_id = 0 } = await daemon.api.createSchedule({
      backup_type: 'dump',
      schedule: 'once',
      service_id: 'orders',
    });
    const { backup_id = '' } = await daemon.ended(job_id);
    const proven = await verified(backup_id, { check_table: true, row_counts: true });
    expect(proven).toMatchObject({ status: 'Succeeded', recovery_seconds: expect.any(Number) });
    expect(proven.row_counts).toContainEqual(expect.objectContaining({ table: 'shop.customers', rows: 1000 }));
  });

  it('goes on beside a backup of the same service', async () => {
    const blocker = await lockingSession();
    const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'orders' });
    await expect.poll(async () => (await daemon.api.daemon.getJob(schedule.job_id ?? 0)).status).toBe('Running');
    expect((await verified(backup)).status).toBe('Succeeded');
    expect((await daemon.api.daemon.getJob(schedule.job_id ?? 0)).status).toBe('Running');
    await blocker.end();
    expect((await daemon.ended(schedule.job_id ?? 0)).status).toBe('Succeeded');
  });

  it('has to be there, whole and of a kind that can be', async () => {
    const { daemon: api } = daemon.api;
    await expect(api.verifyBackup(`${'0'.repeat(32)}:orders:orders-0`)).rejects.toMatchObject({ code: 'not_found' });
    await expect(api.verifyBackup(backup, { quick: true, check_table: true })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const logs = await daemon.api.createSchedule({
      backup_type: 'binarylog',
      schedule: 'once',
      service_id: 'orders',
    });
    const { backup_id = '' } = await daemon.ended(logs.job_id ?? 0);
    await expect(api.verifyBackup(backup_id)).rejects.toMatchObject({ code: 'unsupported' });
    expect((await verified(backup_id, { quick: true })).status).toBe('Succeeded');
  });
});

describe('what a backup holds', () => {
  const contents = (query = {}) => daemon.api.daemon.getContents(backup, query);

  it('is told by its manifest, the largest table first, with what each schema comes to', async () => {
    const all = await contents({ page_size: 1000 });
    expect(all).toMatchObject({ backup_id: backup, service_id: 'orders', type: 'full', pages_count: 1 });
    expect(all.tables).toHaveLength(all.tables_count);
    expect(all.tables).toContainEqual(
      expect.objectContaining({ schema: 'shop', name: 'settings', engine: 'Aria', rows: 200 }),
    );
    const sizes = all.tables.map(({ bytes = 0 }) => bytes);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const shop = all.tables.filter(({ schema }) => schema === 'shop');
    expect(all.schemas).toContainEqual({
      schema: 'shop',
      tables: shop.length,
      rows: shop.reduce((sum, { rows = 0 }) => sum + rows, 0),
      bytes: shop.reduce((sum, { bytes = 0 }) => sum + bytes, 0),
    });
  });

  it('is told in pages, of one schema or one table', async () => {
    const first = await contents({ schema: 'SHOP', page_size: 3 });
    const second = await contents({ schema: 'shop', page_size: 3, page: 2 });
    expect(first.tables).toHaveLength(3);
    expect(first.pages_count).toBe(Math.ceil(first.tables_count / 3));
    expect(new Set([...first.tables, ...second.tables].map(({ name }) => name)).size).toBe(6);
    expect(await contents({ table: 't-1 Ü' })).toMatchObject({ tables: [{ schema: 'odd name-1' }], tables_count: 1 });
    expect(await contents({ table: 'nothing' })).toMatchObject({ tables: [], tables_count: 0, pages_count: 0 });
  });

  it('is searched: in which backups a table is, and how large it was in each', async () => {
    await orders.sql('CREATE TABLE shop.late (id INT PRIMARY KEY) ENGINE=Aria; INSERT INTO shop.late VALUES (1), (2);');
    const late = await takeBackup(daemon, 'orders');
    await orders.sql('DROP TABLE shop.late');
    const holding = (contains: string, query = {}) => daemon.api.listBackups({ contains, ...query });
    expect(await holding('shop.late')).toMatchObject({
      count: 1,
      items: [{ id: late, contained: { tables: 1, rows: 2, bytes: expect.any(Number) } }],
    });
    expect((await holding('shop.orders', { service_id: 'orders' })).items.map(({ id }) => id)).toEqual(
      expect.arrayContaining([late, backup]),
    );
    expect(await holding('shop.orders', { service_id: 'other' })).toMatchObject({ count: 0, items: [] });
    for (const [contains, query] of [
      ['orders', {}],
      ['shop.orders', { status: 'Failed' }],
      ['shop.orders', { page_size: 500 }],
    ] as const) {
      await expect(holding(contains, query)).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  it('of one that is not there, or for what is no question, is refused', async () => {
    const { daemon: api } = daemon.api;
    await expect(api.getContents(`${'0'.repeat(32)}:orders:orders-0`)).rejects.toMatchObject({ code: 'not_found' });
    const { status } = await daemon.request('GET', `/skybackup/v1/backups/${backup}/contents?order=asc`);
    expect(status).toBe(400);
  });
});

/** A session that holds back a full backup's lock until it is ended. */
async function lockingSession(): Promise<{ end(): Promise<void> }> {
  const held = orders.sql('LOCK TABLES shop.legacy WRITE; SELECT SLEEP(600);').catch(() => undefined);
  const sleeping = "FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND state = 'User sleep'";
  await expect.poll(() => orders.sql(`SELECT COUNT(*) ${sleeping}`)).toBe('1');
  return {
    async end() {
      await orders.sql(await orders.sql(`SELECT CONCAT('KILL ', id) ${sleeping}`));
      await held;
    },
  };
}

describe('nothing is left of a verification', () => {
  it('whose daemon is killed while it unpacks or proves, and the record says Failed', async () => {
    await daemon.stop();
    daemon = await daemon.restart({ sabotage: { act: 'kill', at: 'verify:materialising' } });
    // The next daemon puts things right, and is the next to be killed; the last is to cancel.
    for (const sabotage of [
      { act: 'kill', at: 'verify:proving' },
      { act: 'cancel', at: 'verify:materialising' },
    ] as const) {
      // The answer may be lost with the daemon.
      await daemon.api.daemon.verifyBackup(backup, { check_table: true }).catch(() => undefined);
      expect(await daemon.exit).toBeNull();
      daemon = await daemon.restart({ sabotage });
      const [newest] = (await daemon.api.daemon.listVerifications({ order: 'desc', page_size: 1 })).items;
      expect(newest).toMatchObject({ status: 'Failed', error: { code: 'interrupted' } });
      expect((await daemon.api.daemon.getJob(newest?.job_id ?? 0)).status).toBe('Failed');
      expect((await daemon.request('GET', '/healthz')).body.idle).toBe(true);
      await expectNothingLeft();
    }
    const cancelled = await verified(backup, { check_table: true });
    // A machine that is very busy may hear of the cancel when all is done.
    expect(['Cancelled', 'Succeeded']).toContain(cancelled.status);
    if (cancelled.status === 'Cancelled') expect(cancelled.error?.code).toBe('cancelled');
  });
});
