import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { approvedRestorePlan, managedScene, takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let backup: string;
const keys: Record<string, string> = {};
beforeAll(async () => {
  daemon = await startDaemon();
  await managedScene(daemon, 'orders');
  backup = await takeBackup(daemon, 'orders');
  for (const role of ['administrator', 'operator', 'requester', 'viewer']) {
    keys[role] = (await daemon.api.daemon.createKey({ role })).key;
  }
});
afterAll(() => daemon.dispose());
afterEach(() => daemon.api.daemon.unlockService('orders'));

const path = '/provisioning/v1/services/orders';
const as = (role: string, method: string, url: string, body?: unknown): Promise<Answer> =>
  daemon.request(method, url, body, { 'x-api-key': keys[role] ?? '' });
const codeOf = (answer: Answer): unknown => answer.body.errors?.[0]?.error ?? answer.status;
const lock = (request = {}) => daemon.api.daemon.lockService('orders', request);
const weekly = () =>
  daemon.api.createSchedule({ backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' }).then(({ id }) => id);
const plan = (operation: string, args: object) => ({ operation, arguments: args });

describe('a locked service', () => {
  it('says so with until when, why and by whom, and again after a restart', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
    const shown = { since: expect.stringMatching(/Z$/), until, reason: 'month end', by: 'socket' };
    expect((await lock({ until, reason: 'month end' })).lock).toEqual(shown);
    expect((await daemon.api.listServices())[0]?.lock).toEqual(shown);
    await daemon.kill9();
    daemon = await daemon.restart();
    expect((await daemon.api.getService('orders')).lock).toEqual(shown);
    const tool = await runCli(['call', 'list_services', '{}'], { env: { SKYBACKUP_HOME: daemon.home.root } });
    expect(tool.stdout).toMatch(/LOCKED until .*«month end»/);
  });

  it('refuses every plan, whoever asks for it, and names the lock and its mend', async () => {
    const schedule = await weekly();
    // The last good backup is nobody's to delete, locked or not.
    const older = backup;
    backup = await takeBackup(daemon, 'orders');
    await lock({ reason: 'month end' });
    const wanted = [
      plan('restore_backup', { service_id: 'orders', id: backup }),
      plan('stop_service', { service_id: 'orders' }),
      plan('delete_schedule', { id: schedule }),
      plan('update_schedule', { id: schedule, suspended: true }),
      plan('delete_backup', { id: older }),
      plan('set_retention', { service_id: 'orders', keep_last: 1 }),
    ];
    for (const request of wanted) {
      for (const role of ['requester', 'administrator']) {
        const answer = await as(role, 'POST', '/skybackup/v1/plans', request);
        expect(codeOf(answer), `${role} ${request.operation}`).toBe('locked');
        expect(answer.body.errors?.[0]).toMatchObject({
          message: 'Service orders is locked: month end. Nothing was done.',
          solution: expect.stringContaining('skybackup services unlock orders'),
        });
      }
    }
    const env = { SKYBACKUP_HOME: daemon.home.root };
    const tool = await runCli(['call', 'delete_schedule', JSON.stringify({ id: schedule }), '--json'], { env });
    expect(tool.code).toBe(1);
    expect(`${tool.stdout}${tool.stderr}`).toContain('Service orders is locked');
    await daemon.api.deleteSchedule(schedule);
  });

  it('refuses the same without a plan to all but administrators, and goes on being backed up', async () => {
    const schedule = await weekly();
    await lock();
    const schedules = '/skybackup/v1/backups/schedules';
    const restore = { service_id: 'orders', id: backup };
    expect(codeOf(await as('requester', 'POST', '/skybackup/v1/restores', restore))).toBe('locked');
    expect(codeOf(await as('requester', 'POST', `${path}/stop`))).toBe('locked');
    expect(codeOf(await as('requester', 'DELETE', `${schedules}/${schedule}`))).toBe('locked');
    expect(codeOf(await as('operator', 'PATCH', `${schedules}/${schedule}`, { suspended: true }))).toBe('locked');
    const retention = '/skybackup/v1/services/orders/retention';
    expect(codeOf(await as('operator', 'PUT', retention, { keep_last: 1 }))).toBe('locked');
    expect((await daemon.api.getService('orders')).status).toBe('ready');

    expect((await as('operator', 'PATCH', `${schedules}/${schedule}`, { schedule: '0 */6 * * *' })).status).toBe(200);
    await takeBackup(daemon, 'orders');
    expect((await as('administrator', 'PATCH', `${schedules}/${schedule}`, { suspended: true })).status).toBe(200);
    expect((await as('administrator', 'DELETE', `${schedules}/${schedule}`)).status).toBe(200);
  });

  it('is no target of a plan that was approved before, nor after the lock has ended', async () => {
    const planId = await approvedRestorePlan(daemon, 'orders', backup);
    const before = (await daemon.api.listRestores()).count;
    await lock();
    const restore = () => daemon.api.createRestore({ service_id: 'orders', backup_id: backup, plan_id: planId });
    await expect(restore()).rejects.toMatchObject({ code: 'locked' });
    await daemon.api.daemon.unlockService('orders');
    await expect(restore()).rejects.toMatchObject({ code: 'plan_used', message: expect.stringContaining('given up') });
    expect((await daemon.api.listRestores()).count).toBe(before);
    // The refused call left no job in the way.
    await takeBackup(daemon, 'orders');
  });

  it('is either locked or acted upon when both come at once, never both', async () => {
    for (let round = 0; round < 12; round += 1) {
      const id = await weekly();
      const plans = daemon.api.daemon;
      const { id: planId } = await plans.createPlan({ operation: 'delete_schedule', arguments: { id } });
      await plans.approvePlan(planId, { channel: 'terminal', typed_id: String(id) });
      const [deleted] = await Promise.allSettled([daemon.api.deleteSchedule(id, { planId }), lock()]);
      const left = await daemon.api.getSchedule(id).then(
        () => true,
        () => false,
      );
      expect(left).toBe(deleted.status === 'rejected');
      if (deleted.status === 'rejected') expect(deleted.reason).toMatchObject({ code: 'locked' });
      await plans.unlockService('orders');
      if (left) await daemon.api.deleteSchedule(id);
    }
  });

  it('is free again when its time is over', async () => {
    await lock({ until: new Date(Date.now() + 500).toISOString() });
    await expect.poll(async () => (await daemon.api.getService('orders')).lock, { timeout: 30_000 }).toBeUndefined();
    const request = plan('stop_service', { service_id: 'orders' });
    expect((await as('requester', 'POST', '/skybackup/v1/plans', request)).status).toBe(200);
  });
});

describe('locking', () => {
  it("is an administrator's alone, and unlocking too", async () => {
    await lock();
    for (const role of ['viewer', 'operator', 'requester']) {
      expect(codeOf(await as(role, 'POST', `${path}/lock`, {}))).toBe('forbidden');
      expect(codeOf(await as(role, 'DELETE', `${path}/lock`))).toBe('forbidden');
    }
    expect((await as('administrator', 'POST', `${path}/lock`, {})).body.lock).toEqual({
      since: expect.any(String),
      by: expect.stringMatching(/^key:/),
    });
    expect((await as('administrator', 'DELETE', `${path}/lock`)).body).not.toHaveProperty('lock');
    expect((await as('administrator', 'DELETE', `${path}/lock`)).status).toBe(200);
  });

  it.each<[string, unknown]>([
    ['a moment that has passed', { until: '2020-01-01T00:00:00Z' }],
    ['no moment', { until: 'tomorrow' }],
    ['an unknown field', { untill: '2100-01-01T00:00:00Z' }],
    ['a long reason', { reason: 'x'.repeat(201) }],
    ['no object', [1]],
  ])('%s is refused and locks nothing', async (_, body) => {
    expect(codeOf(await as('administrator', 'POST', `${path}/lock`, body))).toBe('invalid_request');
    expect((await daemon.api.getService('orders')).lock).toBeUndefined();
    expect(codeOf(await as('administrator', 'POST', '/provisioning/v1/services/nosuch/lock', {}))).toBe('not_found');
  });

  it('at the command line takes both forms of a moment', async () => {
    const cli = (...args: string[]) =>
      runCli(['services', ...args], { env: { SKYBACKUP_HOME: daemon.home.root } }).then(({ code, stdout, stderr }) => ({
        code,
        words: stdout + stderr,
      }));
    expect(await cli('lock', 'orders', '--until', '2100-01-31 18:00:00', '--reason', 'audit')).toEqual({
      code: 0,
      words: expect.stringContaining('Service orders is locked until 2100-01-31T18:00:00Z (audit).'),
    });
    expect((await cli('list')).words).toContain('LOCKED until 2100-01-31T18:00:00Z (audit)');
    expect(await cli('lock', 'orders', '--until', 'soon')).toEqual({
      code: 2,
      words: expect.stringContaining('--until'),
    });
    expect(await cli('unlock', 'orders')).toEqual({ code: 0, words: 'Service orders is not locked.\n' });
  });
});
