import { afterAll, beforeAll, expect, it } from 'vitest';
import { Health } from '../../src/contract/service-health.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { managedScene, takeBackup } from './managed-scene.ts';

const path = '/skybackup/v1/health';
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0'] });
});
afterAll(() => daemon.dispose());

it('follows a real service from never backed up to well, and back when its backups fail', async () => {
  const scene = await managedScene(daemon, 'orders');
  const orders = async () => (await daemon.api.getHealth('orders')).services[0];
  expect(await orders()).toMatchObject({ verdict: 'critical', reasons: [{ code: 'never_backed_up' }, {}] });
  await daemon.api.createSchedule({ backup_type: 'full', schedule: '0 3 * * *', service_id: scene.id });
  expect(await orders()).toMatchObject({ verdict: 'warning', reasons: [{ code: 'never_backed_up' }] });
  const backup_id = await takeBackup(daemon, scene.id);
  expect(await orders()).toMatchObject({
    verdict: 'ok',
    recovery_point: { backup_id, type: 'full' },
    last_good: [{ backup_id, storage_bytes: expect.any(Number) }],
    schedules: [{ schedule: '0 3 * * *', overdue_seconds: 0 }],
  });

  await daemon.api.setPower(scene.id, false);
  while ((await daemon.api.getService(scene.id)).status !== 'stopped');
  const { job_id } = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: scene.id });
  await daemon.ended(job_id ?? 0);
  expect(await orders()).toMatchObject({
    verdict: 'warning',
    reasons: [{ code: 'failing', detail: expect.any(String) }, {}],
    failing: [{ type: 'full', failed_runs: 1 }],
    recovery_point: { backup_id },
  });
});

it('is for those who may read, of a service that exists, and for nothing else in the query', async () => {
  expect((await fetch(`${daemon.url()}${path}`)).status).toBe(401);
  const { key } = await daemon.api.daemon.createKey({ role: 'viewer' });
  const answer = await fetch(`${daemon.url()}${path}`, { headers: { 'x-api-key': key } });
  expect(answer.status).toBe(200);
  expect(Health.parse(await answer.json()).services).toHaveLength(1);
  expect((await daemon.request('GET', `${path}?service_id=nobody`)).status).toBe(404);
  expect((await daemon.request('GET', `${path}?all=1`)).status).toBe(400);
});
