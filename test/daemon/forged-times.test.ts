import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewRestore } from '../../src/client/backup-api.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { connect } from '../../src/engine/mariadb/connect.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let orders: ManagedScene;
/** Taken before and after a session that set its own time, a day ahead. */
let before: string;
let after: string;
/** By the clock after both. The log was closed later, so what that session wrote counts as committed later as well. */
let moment: string;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
  await orders.sql('CREATE TABLE shop.t (id INT PRIMARY KEY);');
  before = await takeBackup(daemon, 'orders');
  await orders.sql(
    'DO SLEEP(1.1); INSERT INTO shop.t VALUES (1); SET timestamp = UNIX_TIMESTAMP() + 86400; INSERT INTO shop.t VALUES (2);',
  );
  after = await takeBackup(daemon, 'orders');
  moment = await orders.sql('DO SLEEP(2.1); SELECT UTC_TIMESTAMP(); DO SLEEP(2.1); INSERT INTO shop.t VALUES (3);');
});
afterAll(() => daemon.dispose());

async function restored(request: NewRestore): Promise<Job> {
  const { job_id } = await daemon.api.createRestore(request);
  const job = await daemon.ended(job_id ?? 0);
  expect(job, `${JSON.stringify(job.error)} ${daemon.log().slice(-1500)}`).toMatchObject({ status: 'Succeeded' });
  return job;
}

async function rowsOf(id: string): Promise<number[]> {
  const { socket } = await daemon.api.getService(id);
  const server = await connect({
    ...(socket === undefined ? {} : { socket }),
    defaults_file: `${daemon.home.services}/${id}/client.cnf`,
  });
  try {
    return (await server.query<{ id: number }>('SELECT id FROM shop.t ORDER BY id')).map((row) => row.id);
  } finally {
    await server.close();
  }
}

describe('a moment that the logs put before the newest backup', () => {
  it('is reached from an older one, also when only archiving shows it', async () => {
    const { warnings } = await restored({
      target: 'new',
      service_id: 'copy',
      backup_id: 'orders',
      point_in_time: moment,
    });
    expect(await rowsOf('copy')).toEqual([1]);
    expect(warnings).toContainEqual(expect.stringContaining(`Backup ${before}, which leads there, was taken instead`));
  });

  it('is planned from the older one, once the logs are archived, and refused of the newer by name', async () => {
    const request = { service_id: 'orders', id: 'orders', point_in_time: moment };
    const plan = await daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: request });
    expect(plan.arguments).toEqual({ ...request, id: before });
    expect(plan.facts.replaced_by).toMatch(/then rolled forward through the binary logs/);
    const ofNewer = { operation: 'restore_backup', arguments: { ...request, id: after } } as const;
    await expect(daemon.api.daemon.createPlan(ofNewer)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('a session had set its own time'),
    });
    await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: 'orders' });
    const { point_in_time } = request;
    await restored({ service_id: 'orders', backup_id: 'orders', point_in_time, plan_id: plan.id });
    expect(await rowsOf('orders')).toEqual([1]);
  });
});
