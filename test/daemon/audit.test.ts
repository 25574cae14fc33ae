import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../src/contract/audit.ts';
import { runCli } from '../cli/run-cli.ts';
import { type Answer, startDaemon, type TestDaemon } from '../servers/daemon.ts';

let daemon: TestDaemon;
let schedule: number;
const keys: Record<string, string> = {};
const base = '/skybackup/v1';

beforeAll(async () => {
  daemon = await startDaemon({ args: ['--listen', '127.0.0.1:0', '--requests-per-minute', '40'] });
  await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' }, nightly: false });
  for (const role of ['administrator', 'requester', 'viewer']) {
    keys[role] = (await daemon.api.daemon.createKey({ role, name: `for ${role}s` })).key;
  }
  const request = { backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' } as const;
  schedule = (await daemon.api.createSchedule(request)).id;
});
afterAll(() => daemon.dispose());

const as = (role: string, method: string, url: string, body?: unknown, more = {}): Promise<Answer> =>
  daemon.request(method, url, body, { 'x-api-key': keys[role] ?? '', ...more });
const idOf = (role: string): string => `key:${keys[role]?.split('_')[1]}`;
/** The last entries; an entry is there a moment after its answer. */
async function newest(count: number): Promise<AuditEntry[]> {
  const { items } = await daemon.api.daemon.listAudit({ order: 'desc', page_size: count });
  return items.toReversed();
}
async function until(count: number, last: object): Promise<AuditEntry[]> {
  await expect.poll(async () => (await newest(1))[0]).toMatchObject(last);
  return newest(count);
}

describe('the audit of a daemon', () => {
  it('has who asked for what by which plan and channel, from the plan to its end', async () => {
    const client = { 'x-skybackup-client': encodeURIComponent('Agent\u202e 1\n{"x"}') };
    const request = { operation: 'delete_schedule', arguments: { id: schedule }, requested_by: 'Agent 1' };
    const plan = (await as('requester', 'POST', `${base}/plans`, request, client)).body;
    const path = `${base}/backups/schedules/${schedule}`;
    expect((await as('requester', 'DELETE', path, undefined, client)).status).toBe(409);
    expect((await as('requester', 'DELETE', `${path}?plan_id=${plan.id}`)).status).toBe(409);
    const approval = { channel: 'approver_key', typed_id: String(schedule) };
    expect((await as('requester', 'POST', `${base}/plans/${plan.id}/approve`, approval)).status).toBe(403);
    expect((await as('administrator', 'POST', `${base}/plans/${plan.id}/approve`, approval)).status).toBe(200);
    expect((await as('requester', 'DELETE', `${path}?plan_id=${plan.id}`)).status).toBe(200);

    const entries = await until(6, { action: 'Deleting a schedule', outcome: 'done' });
    const asker = idOf('requester');
    const target = String(schedule);
    expect(entries).toMatchObject([
      {
        principal: asker,
        action: 'Making a plan',
        target: 'orders',
        outcome: 'done',
        detail: {
          role: 'requester',
          claimed_client: 'Agent 1 {"x"}',
          plan: plan.code,
          asked: { operation: 'delete_schedule', arguments: { id: schedule } },
        },
      },
      {
        principal: asker,
        action: 'Deleting a schedule',
        target,
        outcome: 'refused',
        detail: { code: 'plan_required' },
      },
      { action: 'Deleting a schedule', outcome: 'refused', detail: { plan: plan.code, code: 'plan_not_approved' } },
      { principal: asker, action: 'Approving a plan', outcome: 'refused', detail: { code: 'forbidden' } },
      { principal: idOf('administrator'), action: 'Approving a plan', detail: { channel: 'approver_key' } },
      {
        principal: asker,
        target,
        outcome: 'done',
        detail: { plan: plan.code, channel: 'approver_key', plan_asked_by: `Agent 1 (${asker})`, service: 'orders' },
      },
    ]);
    // Whoever knows the id of an approved plan could carry it out in host mode; what a person typed is nobody's business.
    expect(JSON.stringify(entries.map(({ detail }) => detail))).not.toMatch(/typed_id|plan_id|nonce/);
  });

  it('has no secret of what was sent, and no more than a few lines of anything', async () => {
    const secret = 'hidden-hidden-hidden';
    const storage = { name: 'spare', path: 's3://127.0.0.1-nowhere/x', credentials: secret, unknown: secret };
    await as('administrator', 'POST', `${base}/storages`, storage);
    await as('administrator', 'POST', '/provisioning/v1/services', {
      id: 'spare',
      control: { kind: 'none' },
      connection: { host: '127.0.0.1', port: 1, user: 'backup', password: secret },
    });
    await as('administrator', 'POST', `${base}/restores`, {
      service_id: 'orders',
      id: '/b.tar.gz',
      external_source: { bucket: 's3://b/', method: 'mariabackup', credentials: secret, encryption_key: secret },
      reason: 'A'.repeat(500_000),
    });
    const entries = await until(3, { action: 'Starting a restore', outcome: 'refused' });
    expect(entries.map(({ action }) => action)).toHaveLength(3);
    const text = JSON.stringify(entries);
    expect(text).not.toContain(secret);
    expect(text).toContain('s3://b/');
    expect(text.length).toBeLessThan(4000);
  });

  it('is written by nobody who is unknown or asks too often', async () => {
    const before = (await daemon.api.daemon.listAudit()).count;
    const stranger = { 'x-api-key': 'nonsense' };
    expect((await daemon.request('DELETE', `${base}/keys/x`, undefined, stranger)).status).toBe(401);
    const many = [];
    for (let i = 0; i < 60; i += 1) many.push(await as('viewer', 'POST', `${base}/jobs/1/cancel`));
    expect(many.filter(({ status }) => status === 429).length).toBeGreaterThan(15);
    await expect
      .poll(async () => (await daemon.api.daemon.listAudit()).count)
      .toBe(before + many.filter(({ status }) => status === 403).length);
  });

  it('is read by administrators alone, since a moment, at the command line too', async () => {
    expect((await as('requester', 'GET', `${base}/audit`)).status).toBe(403);
    const env = { SKYBACKUP_HOME: daemon.home.root };
    const shown = await runCli(['audit'], { env });
    expect(shown.stdout).toMatch(/^TIME +WHO +CALLS ITSELF +WHAT +TARGET +OUTCOME +PLAN +YES BY/);
    expect(shown.stdout).toMatch(
      /key:[0-9a-f]{12} +- +Deleting a schedule +\d+ +done +[2-9A-Z]{4}-[2-9A-Z]{4} +approver_key/,
    );
    expect(shown.stdout).toContain('refused: plan_required');
    const json = JSON.parse((await runCli(['audit', '--since', '1h', '--json'], { env })).stdout);
    expect(json.entries[0]).toMatchObject({ principal: 'socket', action: 'Registering a service', target: 'orders' });
    const later = await runCli(['audit', '--since', '2100-01-01 00:00:00'], { env });
    expect(later.stdout.trim()).toBe('Nothing was changed.');
    expect((await runCli(['audit', '--since', 'yesterday'], { env })).code).toBe(2);
  });

  it('names the command line and the MCP client as they call themselves', async () => {
    const env = { SKYBACKUP_HOME: daemon.home.root };
    await runCli(['call', 'create_schedule', '{"service":"orders","cron":"0 4 * * *"}'], { env });
    await runCli(['services', 'lock', 'orders'], { env });
    await runCli(['services', 'unlock', 'orders'], { env });
    const [made, locked] = await until(3, { action: expect.stringMatching(/nlock/) });
    expect(made).toMatchObject({ detail: { claimed_client: expect.stringMatching(/^skybackup-call /) } });
    expect(locked).toMatchObject({ detail: { claimed_client: expect.stringMatching(/the command line$/) } });
  });

  it('cannot be changed or deleted in the state, and stands in the log besides', () => {
    const db = new DatabaseSync(daemon.home.state);
    expect(() => db.exec("UPDATE audit SET outcome = 'refused'")).toThrow('append-only');
    expect(() => db.exec('DELETE FROM audit')).toThrow('append-only');
    db.close();
    const logged = daemon
      .log()
      .split('\n')
      .filter((line) => line.includes('"a change"'));
    expect(logged.length).toBeGreaterThan(10);
    expect(logged.map((line) => JSON.parse(line).audit.action)).toContain('Approving a plan');
  });
});
