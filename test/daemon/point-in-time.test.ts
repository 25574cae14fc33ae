import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewRestore } from '../../src/client/backup-api.ts';
import type { Restore } from '../../src/contract/restores.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { identify, signalProcess, waitUntilGone } from '../../src/engine/mariadb/process-identity.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { approvedRestorePlan, type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
let full: string;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
  await orders.sql('CREATE TABLE shop.t (id INT PRIMARY KEY, v TEXT);');
  full = await takeBackup(daemon, 'orders');
});
afterAll(() => daemon.dispose());

async function restored(request: NewRestore): Promise<Restore> {
  const { id, job_id } = await daemon.api.createRestore(request);
  const job = await daemon.ended(job_id ?? 0);
  expect(job, `${JSON.stringify(job.error)} ${daemon.log().slice(-1500)}`).toMatchObject({ status: 'Succeeded' });
  return daemon.api.getRestore(id);
}

/** Rows of a service that a restore has made, over its own login. */
async function rowsOf(service: string): Promise<string> {
  const { socket } = await daemon.api.getService(service);
  const defaults_file = `${daemon.home.services}/${service}/client.cnf`;
  const server = await connect({ ...(socket === undefined ? {} : { socket }), defaults_file });
  try {
    return (await server.query<{ id: number }>('SELECT id FROM shop.t ORDER BY id')).map(({ id }) => id).join(',');
  } finally {
    await server.close();
  }
}

const domain = async (): Promise<string> => (await orders.sql('SELECT @@gtid_binlog_pos')).split(',')[0] ?? '';
const binlogBackups = async () =>
  (await daemon.api.listBackups({ service_id: 'orders' })).items.filter(({ type }) => type === 'binarylog');

describe('a point in time of a service', () => {
  let drop: string;

  it('is reached from the log that is being written: the transaction before a DROP, in the same second', async () => {
    // A second after the backup, by the clock that windows are told in.
    await orders.sql(
      "DO SLEEP(1.1); INSERT INTO shop.t VALUES (1, 'a'); INSERT INTO shop.t VALUES (2, 'b'); DROP TABLE shop.t;",
    );
    drop = await domain();
    const before = await binlogBackups();
    // Found on the server itself, without archiving anything.
    expect(await daemon.api.daemon.findTransactions('orders', { contains: 'drop table' })).toMatchObject({
      transactions: [{ gtid: drop, not_archived_yet: true }],
    });
    expect(await binlogBackups()).toHaveLength(before.length);
    const plan = await daemon.api.daemon.createPlan({
      operation: 'restore_backup',
      arguments: { service_id: 'orders', id: 'orders', before_gtid: drop },
    });
    expect(plan.arguments).toEqual({ service_id: 'orders', id: full, before_gtid: drop });
    expect(plan.facts.replaced_by).toContain(`before transaction ${drop}`);
    await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: 'orders' });
    const restore = await restored({ service_id: 'orders', backup_id: 'orders', before_gtid: drop, plan_id: plan.id });
    expect(await rowsOf('orders')).toBe('1,2');
    expect(restore.message).toMatch(/up to GTID 0-\d+-\d+/);
    // What was archived for it is a backup like any other.
    const [made] = await binlogBackups();
    expect(await binlogBackups()).toHaveLength(before.length + 1);
    expect(made).toMatchObject({ status: 'Succeeded', binlog_gtid_position: drop });
  });

  it('is found by what was done then, without the data that were written', async () => {
    const { transactions } = await daemon.api.daemon.findTransactions('orders', { contains: 'drop table' });
    expect(transactions.at(-1)).toMatchObject({
      gtid: drop,
      kind: 'definition',
      statements: [expect.stringMatching(/^DROP TABLE/)],
    });
    const rows = await daemon.api.daemon.findTransactions('orders', { contains: 'shop.t' });
    const inserts = rows.transactions.filter(({ kind }) => kind === 'rows');
    expect(inserts.slice(-2)).toMatchObject([
      { tables: ['shop.t'], statements: ['INSERT INTO shop.t VALUES (?, …)'] },
      { tables: ['shop.t'], statements: ['INSERT INTO shop.t VALUES (?, …)'] },
    ]);
    const few = await daemon.api.daemon.findTransactions('orders', { limit: 1 });
    expect([few.transactions.map(({ gtid }) => gtid), few.more]).toEqual([[drop], true]);
    const { status } = await daemon.request(
      'GET',
      '/skybackup/v1/restores/pointintime/orders/transactions?from=yesterday',
    );
    expect(status).toBe(400);
    await expect(daemon.api.daemon.findTransactions('nobody')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('lies within the windows that are told: what a restore has cut off is one of its own', async () => {
    const windows = await daemon.api.lookupRecoveryWindows();
    const backup = await daemon.api.getBackup(full);
    const start_time = `${backup.point_in_time?.replace(' ', 'T')}Z`;
    // Of what was before, nothing is open any more; what the data are since begins with the backup that the restore wanted.
    expect(windows).toMatchObject([{ service_id: 'orders', start_time }, { service_id: 'orders' }]);
    expect(windows[0]?.archived_until).toBeUndefined();
    expect(windows[1]?.archived_until).toBe(windows[1]?.start_time);
  });

  it('lies also in what was before a restore', async () => {
    await orders.sql("INSERT INTO shop.t VALUES (3, 'c');");
    const restore = await restored({
      target: 'new',
      service_id: 'copy',
      backup_id: full,
      before_gtid: drop,
    });
    expect(restore.service_id).toBe('copy');
    expect(await rowsOf('copy')).toBe('1,2');
  });

  it('is reached when the server has died', async () => {
    await orders.sql("INSERT INTO shop.t VALUES (4, 'd');");
    const good = await domain();
    await orders.sql('DELETE FROM shop.t;');
    const [pid = -1] = daemon.processes().filter((each) => each !== daemon.pid && isServerOf(each, 'orders'));
    const server = identify(pid);
    if (server === undefined) throw new Error('the server of orders does not run');
    signalProcess(server, 'SIGKILL');
    await waitUntilGone(server, 10_000);
    await restored({ target: 'new', service_id: 'rescued', backup_id: 'orders', gtid: good });
    expect(await rowsOf('rescued')).toBe('1,2,3,4');
  });

  it('outside of what can be reached is refused with the nearest that works', async () => {
    const ask = (request: Partial<NewRestore>) =>
      daemon.api.createRestore({ service_id: 'orders', backup_id: 'orders', ...request });
    const backup = await daemon.api.getBackup(full);
    await expect(ask({ point_in_time: '2020-01-01 00:00:00' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(`nearest moment that works is ${backup.point_in_time}`),
    });
    await expect(ask({ point_in_time: '2099-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'unsupported' });
    await expect(ask({ gtid: '0-1-1' })).rejects.toMatchObject({ code: 'unsupported' });
    await expect(ask({})).rejects.toMatchObject({ code: 'not_found' });
    await expect(ask({ gtid: 'latest' })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(ask({ gtid: '0-1-1', before_gtid: '0-1-2' })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(approvedRestorePlan(daemon, 'orders', 'nobody')).rejects.toMatchObject({ code: 'not_found' });
  });
});

function isServerOf(pid: number, service: string): boolean {
  return identify(pid) !== undefined && readlinkSync(`/proc/${pid}/cwd`).includes(`services/${service}/data`);
}
