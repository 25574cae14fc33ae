import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { approvedRestorePlan, type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

const base = '/skybackup/v1';
let daemon: TestDaemon;
let orders: ManagedScene;
let backup: string;
let requester: string;
let otherRequester: string;
let administrator: string;
beforeAll(async () => {
  daemon = await startDaemon();
  orders = await managedScene(daemon, 'orders');
  await managedScene(daemon, 'billing');
  backup = await takeBackup(daemon, 'orders');
  requester = (await daemon.api.daemon.createKey({ role: 'requester' })).key;
  otherRequester = (await daemon.api.daemon.createKey({ role: 'requester' })).key;
  administrator = (await daemon.api.daemon.createKey({ role: 'administrator' })).key;
});
afterAll(() => daemon.dispose());

const as = (key: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  daemon.request(method, `${base}${path}`, body, { 'x-api-key': key });
const codeOf = (answer: Answer): unknown => answer.body.errors?.[0]?.error ?? answer.status;
const wanted = () => ({ operation: 'restore_backup', arguments: { service_id: 'orders', id: backup } });
const restore = (plan_id?: string, change = {}) => ({ service_id: 'orders', id: backup, plan_id, ...change });
const restores = async (): Promise<number> => (await daemon.api.listRestores()).count;

async function planOf(key: string, request: unknown = wanted()): Promise<{ id: string; code: string }> {
  const { status, body } = await as(key, 'POST', '/plans', request);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as unknown as { id: string; code: string };
}
const approve = (id: string, typed_id = 'orders', key = administrator): Promise<Answer> =>
  as(key, 'POST', `/plans/${id}/approve`, { channel: 'terminal', typed_id });

describe('a plan', () => {
  it('says what is replaced by what, what is lost, what to look out for, and how to go back', async () => {
    const { body } = await as(requester, 'POST', '/plans', { ...wanted(), requested_by: 'an assistant' });
    expect(body).toMatchObject({ status: 'pending', operation: 'restore_backup', arguments: wanted().arguments });
    expect(body.requested_by).toMatch(/^an assistant \(key:[0-9a-f]+\)$/);
    expect(body.facts).toMatchObject({
      title: expect.stringContaining(backup),
      confirm_id: 'orders',
      recovery_point: expect.stringMatching(/^\d{4}-/),
      size_bytes: expect.any(Number),
      estimated_seconds: expect.any(Number),
      expected_downtime: expect.any(String),
      lost: [expect.stringMatching(/since the backup.*no transaction was logged since GTID 0-\d+-\d+\.$/)],
      keeps: [expect.stringContaining('skybackup logs in with')],
      undo: expect.stringContaining('72 hours'),
    });
    expect(JSON.stringify(body)).not.toContain('nonce');
    // The same request of the same asker gets the same plan, under its code too.
    expect((await as(requester, 'POST', '/plans', wanted())).body.id).toBe(body.id);
    expect((await daemon.request('GET', `${base}/plans/${String(body.code).toLowerCase()}`)).body.id).toBe(body.id);
    expect((await as(otherRequester, 'POST', '/plans', wanted())).body.id).not.toBe(body.id);
  });

  it('for another service says that its data and its users go', async () => {
    const onto = { operation: 'restore_backup', arguments: { service_id: 'billing', key: backup } };
    const { body } = await as(requester, 'POST', '/plans', onto);
    const { lost, warnings } = body.facts as { lost: string[]; warnings: string[] };
    expect(lost.join()).toContain('becomes a copy of orders');
    expect(lost.join()).toContain('no good backup of its own');
    expect(warnings.join()).toContain('users, passwords and grants of orders');
    // The early name of the argument is one and the same request.
    expect(body.arguments).toEqual({ service_id: 'billing', id: backup });
  });

  it('for a stopped service says that nothing more stands still, and that its losses cannot be counted', async () => {
    const power = async (active: boolean) => daemon.ended((await daemon.api.setPower('orders', active)).job_id ?? 0);
    await power(false);
    const { body } = await as(requester, 'POST', '/plans', wanted());
    expect(body.facts).toMatchObject({
      expected_downtime: 'none that this adds: orders does not answer now',
      lost: [expect.stringContaining('cannot be told, because orders does not answer')],
    });
    expect((await power(true)).status).toBe('Succeeded');
  });

  it('keeps the daemon from being restarted under a waiting person', async () => {
    expect((await daemon.request('GET', '/healthz')).body.idle).toBe(false);
  });
});

describe('a restore by anyone but an administrator', () => {
  it.each<[string, () => Promise<Answer>, string]>([
    ['without a plan', () => as(requester, 'POST', '/restores', restore()), 'plan_required'],
    ['with a plan nobody made', () => as(requester, 'POST', '/restores', restore('pln_none')), 'not_found'],
    [
      'with a plan that nobody approved',
      async () => as(requester, 'POST', '/restores', restore((await planOf(requester)).id)),
      'plan_not_approved',
    ],
    [
      'with a plan for another service',
      async () => {
        const plan = await planOf(requester, { ...wanted(), arguments: { service_id: 'billing', id: backup } });
        expect((await approve(plan.id, 'billing')).status).toBe(200);
        return as(requester, 'POST', '/restores', restore(plan.id));
      },
      'plan_mismatch',
    ],
    [
      'with a plan for another operation',
      async () => {
        const plan = await planOf(requester, { operation: 'stop_service', arguments: { service_id: 'orders' } });
        expect((await approve(plan.id)).status).toBe(200);
        return as(requester, 'POST', '/restores', restore(plan.id));
      },
      'plan_mismatch',
    ],
    [
      "with another asker's plan",
      async () => {
        const plan = await planOf(otherRequester);
        expect((await approve(plan.id)).status).toBe(200);
        return as(requester, 'POST', '/restores', restore(plan.id));
      },
      'plan_mismatch',
    ],
    [
      'with a plan that was declined after its approval',
      async () => {
        const plan = await planOf(requester);
        await approve(plan.id);
        await as(requester, 'POST', `/plans/${plan.id}/decline`, { reason: 'declined' });
        return as(requester, 'POST', '/restores', restore(plan.id));
      },
      'plan_used',
    ],
  ])('%s is refused, and nothing begins', async (_, attempt, code) => {
    const before = await restores();
    expect(codeOf(await attempt())).toBe(code);
    expect(await restores()).toBe(before);
    expect((await daemon.api.getService('orders')).job_id).toBeUndefined();
  });

  it('approves nothing itself, and no approval passes with a wrong id or a nonce of another asking', async () => {
    const plan = await planOf(requester);
    expect(codeOf(await approve(plan.id, 'orders', requester))).toBe('forbidden');
    expect(codeOf(await approve(plan.id, 'order'))).toBe('plan_mismatch');
    const first = (await as(requester, 'POST', `/plans/${plan.id}/ask`)).body.nonce;
    const second = (await as(requester, 'POST', `/plans/${plan.id}/ask`)).body.nonce;
    const answer = (nonce: unknown) =>
      as(administrator, 'POST', `/plans/${plan.id}/approve`, { channel: 'elicitation', typed_id: 'orders', nonce });
    expect(codeOf(await answer(first))).toBe('plan_mismatch');
    expect((await answer(second)).body.status).toBe('approved');
    expect(codeOf(await answer(second))).toBe('plan_mismatch');
    await as(requester, 'POST', `/plans/${plan.id}/decline`, { reason: 'cancelled' });
    expect(codeOf(await answer(second))).toBe('plan_used');
  });

  it('is nobody’s but its asker’s to void or to ask about, save for an administrator', async () => {
    const plan = await planOf(requester);
    const { nonce } = (await as(requester, 'POST', `/plans/${plan.id}/ask`)).body;
    expect(codeOf(await as(otherRequester, 'POST', `/plans/${plan.id}/ask`))).toBe('forbidden');
    const no = { reason: 'declined' };
    expect(codeOf(await as(otherRequester, 'POST', `/plans/${plan.id}/decline`, no))).toBe('forbidden');
    const yes = { channel: 'elicitation', typed_id: 'orders', nonce };
    expect((await as(administrator, 'POST', `/plans/${plan.id}/approve`, yes)).body.status).toBe('approved');
    expect((await as(administrator, 'POST', `/plans/${plan.id}/decline`, no)).body.status).toBe('declined');
  });

  it("as an approver key must be another one than the asker's", async () => {
    const plan = await planOf(administrator);
    const approval = { channel: 'approver_key', typed_id: 'orders' };
    expect(codeOf(await as(administrator, 'POST', `/plans/${plan.id}/approve`, approval))).toBe('forbidden');
    expect(codeOf(await daemon.request('POST', `${base}/plans/${plan.id}/approve`, approval))).toBe('forbidden');
    const { key } = await daemon.api.daemon.createKey({ role: 'administrator', name: 'another person' });
    expect((await as(key, 'POST', `/plans/${plan.id}/approve`, approval)).body.approved_by).toBe('approver_key');
    await daemon.api.daemon.declinePlan(plan.id, 'declined');
  });
});

describe('a target that changed after the approval', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['by a new backup', () => takeBackup(daemon, 'orders')],
    [
      'by being stopped',
      async () => {
        await daemon.api.setPower('orders', false);
        await expect.poll(async () => (await daemon.api.getService('orders')).status).toBe('stopped');
      },
    ],
  ])('%s voids the plan, for good', async (_, change) => {
    const before = await restores();
    const plan = await planOf(requester);
    await approve(plan.id);
    await change();
    expect(codeOf(await as(requester, 'POST', '/restores', restore(plan.id)))).toBe('target_changed');
    await daemon.api.setPower('orders', true);
    await expect.poll(async () => (await daemon.api.getService('orders')).status).toBe('ready');
    expect(codeOf(await as(requester, 'POST', '/restores', restore(plan.id)))).toBe('plan_used');
    expect(await restores()).toBe(before);
  });
});

describe('an approved plan', () => {
  it('is carried out once though eight requests race for it, and never again', async () => {
    const before = await restores();
    const good = await orders.checksums();
    const plan = await planOf(requester);
    await approve(plan.id);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => as(requester, 'POST', '/restores', restore(plan.id))),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const lost of answers.filter(({ status }) => status !== 200)) {
      expect(['conflict', 'plan_used']).toContain(codeOf(lost));
    }
    expect((await daemon.ended(Number(won[0]?.body.job_id))).status).toBe('Succeeded');
    expect(codeOf(await as(requester, 'POST', '/restores', restore(plan.id)))).toBe('plan_used');
    expect(await restores()).toBe(before + 1);
    expect(await orders.checksums()).toEqual(good);
  });

  it('outlives the daemon that made it', async () => {
    const id = await approvedRestorePlan(daemon, 'orders', backup);
    await daemon.stop();
    daemon = await daemon.restart();
    const done = await daemon.api.createRestore({ service_id: 'orders', backup_id: backup, plan_id: id });
    expect((await daemon.ended(done.job_id ?? 0)).status).toBe('Succeeded');
    await expect(
      daemon.api.createRestore({ service_id: 'orders', backup_id: backup, plan_id: id }),
    ).rejects.toMatchObject({ code: 'plan_used' });
  });
});

describe('schedules, stops and records go through plans too', () => {
  it('where a change takes protection away, and not where it does not', async () => {
    const { id } = await daemon.api.createSchedule({
      backup_type: 'full',
      schedule: '0 3 * * *',
      service_id: 'orders',
    });
    const path = `/backups/schedules/${id}`;
    expect((await as(requester, 'PATCH', path, { schedule: '0 3,15 * * *' })).body.schedule).toBe('0 3,15 * * *');
    expect(codeOf(await as(requester, 'PATCH', path, { suspended: true }))).toBe('plan_required');
    expect(codeOf(await as(requester, 'PATCH', path, { schedule: '0 3 * * 0' }))).toBe('plan_required');
    expect(codeOf(await as(requester, 'DELETE', path))).toBe('plan_required');

    const patch = { schedule: '0 3 * * 0' };
    const plan = await planOf(requester, { operation: 'update_schedule', arguments: { id, ...patch } });
    const { facts } = await daemon.api.daemon.getPlan(plan.id);
    expect(facts).toMatchObject({ confirm_id: String(id), lost: [expect.stringContaining('to 7 days')] });
    await approve(plan.id, String(id));
    expect(codeOf(await as(requester, 'PATCH', `${path}?plan_id=${plan.id}`, { schedule: '0 3 1 * *' }))).toBe(
      'plan_mismatch',
    );
    expect((await as(requester, 'PATCH', `${path}?plan_id=${plan.id}`, patch)).body.schedule).toBe('0 3 * * 0');
    expect(codeOf(await as(requester, 'PATCH', `${path}?plan_id=${plan.id}`, patch))).toBe('plan_used');

    const removal = await planOf(requester, { operation: 'delete_schedule', arguments: { id } });
    await approve(removal.id, String(id));
    await daemon.api.updateSchedule(id, { schedule: '0 4 * * *' });
    expect(codeOf(await as(requester, 'DELETE', `${path}?plan_id=${removal.id}`))).toBe('target_changed');
    const second = await planOf(requester, { operation: 'delete_schedule', arguments: { id } });
    await approve(second.id, String(id));
    expect((await as(requester, 'DELETE', `${path}?plan_id=${second.id}`)).status).toBe(200);
    await expect(daemon.api.getSchedule(id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('where a service is stopped, and where the record of a restore is deleted', async () => {
    const power = (query: string) =>
      daemon.request(
        'POST',
        `/provisioning/v1/services/billing/power${query}`,
        { is_active: false },
        { 'x-api-key': requester },
      );
    expect(codeOf(await power(''))).toBe('plan_required');
    const plan = await planOf(requester, { operation: 'stop_service', arguments: { service_id: 'billing' } });
    await approve(plan.id, 'billing');
    expect((await power(`?plan_id=${plan.id}`)).body).toMatchObject({
      status: 'pending_stop',
      job_id: expect.any(Number),
    });
    await expect.poll(async () => (await daemon.api.getService('billing')).status).toBe('stopped');

    const [record] = (await daemon.api.listRestores()).items;
    const id = record?.id ?? 0;
    expect(codeOf(await as(requester, 'DELETE', `/restores/${id}`))).toBe('plan_required');
    const removal = await planOf(requester, { operation: 'delete_restore', arguments: { id } });
    await approve(removal.id, String(id));
    expect((await as(requester, 'DELETE', `/restores/${id}?plan_id=${removal.id}`)).status).toBe(200);
    await expect(daemon.api.getRestore(id)).rejects.toMatchObject({ code: 'not_found' });
  });
});
