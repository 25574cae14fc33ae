import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewRestore } from '../../src/client/backup-api.ts';
import type { Restore } from '../../src/contract/restores.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { checksums } from '../servers/mariadbd.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
let backup: string;
let good: Record<string, number | null>;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
  await orders.sql(`
    CREATE VIEW shop.names AS SELECT name FROM shop.customers;
    CREATE FUNCTION shop.order_count() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM shop.orders);
    CREATE TABLE \`odd name-1\`.numbered (id BIGINT DEFAULT NEXT VALUE FOR shop.numbers);`);
  backup = await takeBackup(daemon, 'orders');
  good = await orders.checksums();
});
afterAll(() => daemon.dispose());

async function copy(change: Partial<NewRestore> = {}): Promise<{ restore: Restore; job: string }> {
  const asked = await daemon.api.createRestore({ target: 'new', backup_id: backup, ...change });
  const job = await daemon.ended(asked.job_id ?? 0);
  return { restore: await daemon.api.getRestore(asked.id), job: job.status };
}

async function ask<T extends object>(id: string, sql: string): Promise<T[]> {
  const server = await connect({ defaults_file: join(daemon.home.services, id, 'client.cnf') });
  try {
    return await server.query<T>(sql);
  } finally {
    await server.close();
  }
}

const folders = (): string[] => readdirSync(daemon.home.services).sort();

describe('a restore into a new service', () => {
  it('needs no plan, replaces nothing, and gives a server of its own with the data of the backup', async () => {
    await orders.sql("UPDATE shop.customers SET note = 'written since'");
    const now = await orders.checksums();
    const before = await daemon.api.getService('orders');
    const { restore, job } = await copy();
    expect(job).toBe('Succeeded');
    expect(restore).toMatchObject({
      service_id: 'orders-copy',
      target: 'new',
      status: 'Succeeded',
      users_from: 'orders',
    });
    expect(restore.message).toContain('skybackup services connect orders-copy');
    expect(restore.message).toContain('skybackup services remove orders-copy');
    expect(restore.kept_data).toBeUndefined();

    const made = await daemon.api.getService('orders-copy');
    expect(made).toMatchObject({ status: 'ready', control: 'managed', copied_from: backup });
    expect(made.port).not.toBe(before.port);
    expect(await checksums({ defaults_file: join(daemon.home.services, 'orders-copy', 'client.cnf') })).toEqual({
      ...good,
      // Its own login of the daemon is another one.
      'mysql.global_priv': expect.any(Number),
    });
    expect(await orders.checksums()).toEqual(now);
    expect(await daemon.api.getService('orders')).toMatchObject({ status: 'ready', port: before.port });

    // Whoever looks at it sees where the source was; what is written to it is of another server.
    const [state] = await ask<{ was: string }>('orders-copy', 'SELECT @@GLOBAL.gtid_binlog_state AS was');
    const recorded = (await daemon.api.getBackup(backup)) as { binlog_gtid?: string };
    expect(state?.was).not.toBe('');
    expect(recorded.binlog_gtid === undefined || state?.was.includes(recorded.binlog_gtid)).toBe(true);
    const [sourceId] = await ask<{ id: number }>('orders', 'SELECT @@server_id AS id');
    const [copyId] = await ask<{ id: number }>('orders-copy', 'SELECT @@server_id AS id');
    expect(copyId?.id).not.toBe(sourceId?.id);
    // Nothing repeats for it, and nobody is alarmed by that.
    expect((await daemon.api.listSchedules({ service_id: 'orders-copy' })).count).toBe(0);
    const health = await daemon.api.getHealth('orders-copy');
    expect(health.services[0]).toMatchObject({ verdict: 'ok', reasons: [{ level: 'note', code: 'copy' }] });
    expect((await daemon.api.getHealth('orders')).services[0]?.last_proven_restore).toMatchObject({
      onto: 'orders-copy',
    });
    // It is a service as any other: it can be backed up, which begins a history of its own.
    expect(await takeBackup(daemon, 'orders-copy')).toContain(':orders-copy:');
  });

  it('brings the tables that are named, and says what does not work without the others', async () => {
    const { restore, job } = await copy({
      service_id: 'some-tables',
      tables: ['shop.orders', 'shop.customers', '`odd name-1`.*'],
      nightly: true,
    });
    expect(job).toBe('Succeeded');
    const tables = await ask<{ name: string }>(
      'some-tables',
      `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name FROM information_schema.TABLES
       WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') ORDER BY 1`,
    );
    expect(tables.map(({ name }) => name)).toEqual([
      'odd name-1.numbered',
      'odd name-1.t-1 ü',
      'shop.big_orders',
      'shop.customers',
      'shop.names',
      'shop.orders',
    ]);
    expect(restore.warnings).toEqual([
      expect.stringMatching(/may fail: trigger shop\.orders_ai, default of column odd name-1\.numbered\.id\.$/),
    ]);
    expect(await ask('some-tables', "SELECT user FROM mysql.user WHERE user = 'reader'")).toHaveLength(1);
    expect(await ask('some-tables', 'SELECT shop.order_count() AS orders')).toEqual([{ orders: 3000 }]);
    const all = await checksums({ defaults_file: join(daemon.home.services, 'some-tables', 'client.cnf') });
    expect(all['shop.orders']).toBe(good['shop.orders']);
    const { items: nightly } = await daemon.api.listSchedules({ service_id: 'some-tables' });
    expect(nightly).toMatchObject([{ type: 'full' }]);
    // At night its backup would come in between what follows.
    await daemon.api.deleteSchedule(nightly[0]?.id ?? 0);
  });

  it('names the foreign keys and the views that lose what they hang on', async () => {
    const { restore } = await copy({ service_id: 'one-table', tables: ['shop.orders'] });
    expect(restore.warnings).toEqual([
      expect.stringContaining('left out: shop.big_orders, shop.names.'),
      expect.stringContaining('refuse new rows: shop.orders (to shop.customers).'),
      expect.stringMatching(/trigger shop\.orders_ai, procedure shop\.add_customer\.$/),
    ]);
  });

  it('is made of a dump, and of a service as it was before a transaction that nobody wanted', async () => {
    // mariadb-dump writes the databases by name: a default from a sequence of a later one does not import.
    await orders.sql('DROP TABLE `odd name-1`.numbered');
    const asked = await daemon.api.createSchedule({ backup_type: 'dump', schedule: 'once', service_id: 'orders' });
    const dump = (await daemon.ended(asked.job_id ?? 0)).backup_id ?? '';
    const now = await orders.checksums();
    await orders.sql("INSERT INTO shop.settings VALUES ('last wanted', 'row')");
    const wanted = await orders.checksums();
    await orders.sql('DROP TABLE shop.settings');
    const [{ gtid } = { gtid: '' }] = await ask<{ gtid: string }>('orders', 'SELECT @@gtid_binlog_pos AS gtid');
    const of = async (id: string) => checksums({ defaults_file: join(daemon.home.services, id, 'client.cnf') });

    const dumped = await copy({ service_id: 'of-dump', backup_id: dump, tables: ['shop.settings'] });
    expect(dumped, JSON.stringify(dumped)).toMatchObject({ job: 'Succeeded' });
    expect((await of('of-dump'))['shop.settings']).toBe(now['shop.settings']);
    expect((await of('of-dump'))['shop.legacy']).toBeUndefined();

    const rolled = await copy({
      service_id: 'before-harm',
      backup_id: 'orders',
      before_gtid: gtid,
      tables: ['shop.*'],
    });
    expect(rolled, JSON.stringify(rolled)).toMatchObject({ job: 'Succeeded' });
    expect((await of('before-harm'))['shop.settings']).toBe(wanted['shop.settings']);
    for (const id of ['of-dump', 'before-harm']) {
      expect((await daemon.ended((await daemon.api.daemon.removeService(id, id)).job_id)).status).toBe('Succeeded');
    }
  });

  it('is refused before anything is made: a taken id, what the backup lacks, what fits no new service', async () => {
    const before = folders();
    const jobs = (await daemon.api.listRestores()).count;
    const refused = (change: Partial<NewRestore>) => expect(copy(change)).rejects;
    await refused({ service_id: 'orders' }).toMatchObject({ code: 'conflict' });
    await refused({ tables: ['shop.ordres'] }).toMatchObject({
      code: 'invalid_request',
      message: 'There is no table shop.ordres in what is restored.',
      hint: expect.stringContaining('orders'),
    });
    await refused({ tables: ['shopp.*'] }).toMatchObject({ hint: expect.stringContaining('shop') });
    await refused({ tables: ['shop'] }).toMatchObject({ code: 'invalid_request' });
    await refused({ service_id: 'Orders/..' }).toMatchObject({ code: 'invalid_request' });
    await refused({ plan_id: 'abc' }).toMatchObject({ code: 'invalid_request' });
    await expect(
      daemon.api.createRestore({ service_id: 'orders', backup_id: backup, tables: ['shop.*'] }),
    ).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(
      daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: { target: 'new', id: backup } }),
    ).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('needs no plan') });
    expect(folders()).toEqual(before);
    expect((await daemon.api.listRestores()).count).toBe(jobs);
  });

  it('while it is being made its id is taken, and a cancel leaves nothing', async () => {
    const before = folders();
    const asked = await daemon.api.createRestore({ target: 'new', backup_id: backup, service_id: 'later' });
    const taken = { code: 'conflict' };
    await expect(
      daemon.api.createRestore({ target: 'new', backup_id: backup, service_id: 'later' }),
    ).rejects.toMatchObject(taken);
    await expect(
      daemon.api.daemon.registerService({ id: 'later', control: { kind: 'managed' }, nightly: false }),
    ).rejects.toMatchObject(taken);
    await daemon.api.daemon.cancelJob(asked.job_id ?? 0);
    expect((await daemon.ended(asked.job_id ?? 0)).status).toBe('Cancelled');
    expect((await daemon.api.getRestore(asked.id)).status).toBe('Cancelled');
    expect(folders()).toEqual(before);
  });
});

describe('removing a managed service', () => {
  it('needs its id typed, stops it, and deletes its data but not its backups', async () => {
    const refused = (id: string, typed: string) => expect(daemon.api.daemon.removeService(id, typed)).rejects;
    await refused('one-table', 'orders').toMatchObject({ code: 'invalid_request' });
    await daemon.api.daemon.lockService('one-table', {});
    await refused('one-table', 'one-table').toMatchObject({ code: 'locked' });
    await daemon.api.daemon.unlockService('one-table');
    expect((await daemon.api.getService('one-table')).status).toBe('ready');

    const own = await takeBackup(daemon, 'one-table');
    const pids = daemon.processes().length;
    const { job_id } = await daemon.api.daemon.removeService('one-table', 'one-table');
    expect(await daemon.ended(job_id)).toMatchObject({ kind: 'remove', status: 'Succeeded' });
    await expect(daemon.api.getService('one-table')).rejects.toMatchObject({ code: 'not_found' });
    expect(folders()).not.toContain('one-table');
    expect(daemon.processes()).toHaveLength(pids - 1);
    expect((await daemon.api.getBackup(own)).status).toBe('Succeeded');
  });

  it('a killed removal is finished, or can be asked again; a folder of a forgotten service blocks its id', async () => {
    await daemon.stop();
    daemon = await daemon.restart({ sabotage: { act: 'kill', at: 'remove:removing' } });
    await daemon.api.daemon.removeService('some-tables', 'some-tables').catch(() => undefined);
    expect(await daemon.exit, daemon.log().slice(-2000)).toBeNull();
    daemon = await daemon.restart();
    await expect.poll(async () => (await daemon.api.getService('some-tables')).status).toBe('stopped');
    await daemon.api.daemon.forgetService('some-tables');
    await expect(copy({ service_id: 'some-tables' })).rejects.toMatchObject({ code: 'conflict' });
    await daemon.api.daemon.registerService({ id: 'some-tables', control: { kind: 'managed' }, nightly: false });
    const { job_id } = await daemon.api.daemon.removeService('some-tables', 'some-tables');
    expect((await daemon.ended(job_id)).status).toBe('Succeeded');
    expect(folders()).toEqual(['orders', 'orders-copy']);
  });
});
