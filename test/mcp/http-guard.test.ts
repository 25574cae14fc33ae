import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { takeBackup } from '../daemon/managed-scene.ts';
import { type HttpDaemon, startHttpDaemon } from './http-daemon.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { newHome, serverCommand } from './server-command.ts';

let http: HttpDaemon;
let elsewhere: { home: string; remove: () => Promise<void> };
let schedule: number;
let yes: { typed_id: string };
const processes: RawClient[] = [];

beforeAll(async () => {
  http = await startHttpDaemon();
  elsewhere = await newHome();
});
beforeEach(async () => {
  schedule = await http.newSchedule();
  yes = { typed_id: String(schedule) };
});
afterEach(async () => {
  await http.closeClients();
  await Promise.all(processes.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await http.daemon.dispose();
  await elsewhere.remove();
});

/** The MCP server that a host spawns, with the same key: another process, the same principal. */
async function stdio(era: Era, elicitation: boolean): Promise<RawClient> {
  const env = { SKYBACKUP_URL: http.daemon.url(), SKYBACKUP_API_KEY: http.keys.administrator };
  const client = await RawClient.start(serverCommand(elsewhere.home, env), era, { elicitation });
  processes.push(client);
  return client;
}

const plans = () => http.daemon.api.daemon.listPlans();
const openPlan = async () =>
  (await plans()).find(({ arguments: { id }, status }) => id === schedule && status === 'pending');

describe.each(eras)('a person is asked over HTTP (%s)', (era) => {
  it('and a yes deletes the schedule, once; the plan is the key holder’s', async () => {
    const client = await http.client(era);
    const asking = await client.ask('delete_schedule', { id: schedule });
    expect(await http.has(schedule)).toBe(true);
    const asker = /key:\w+/.exec((await openPlan())?.requested_by ?? '')?.[0];
    expect(asker).toBeDefined();
    expect(await asking.answer('accept', yes)).toMatchObject({ data: { deleted: true } });
    expect(await http.has(schedule)).toBe(false);
    const lines = readFileSync(http.daemon.home.mcpAudit, 'utf8').trimEnd().split('\n');
    const last = { tool: 'delete_schedule', principal: asker, channel: 'elicitation', outcome: 'done' };
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject(last);
  });

  it('and a no voids the plan', async () => {
    const client = await http.client(era);
    const reply = await (await client.ask('delete_schedule', { id: schedule })).answer('decline');
    expect(reply).toMatchObject({ isError: false, data: { status: 'declined', changed: false } });
    expect(await openPlan()).toBeUndefined();
    expect(await http.has(schedule)).toBe(true);
  });

  it('and a wrong id is no yes', async () => {
    const client = await http.client(era);
    const reply = await (await client.ask('delete_schedule', { id: schedule })).answer('accept', { typed_id: 'yes' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    expect(await http.has(schedule)).toBe(true);
  });

  it('only where its yes would count: a requester is told who may approve, and carries out once they did', async () => {
    const client = await http.client(era, http.at(http.keys.requester));
    const first = await client.call('delete_schedule', { id: schedule });
    expect(first).toMatchObject({ isError: false, data: { status: 'needs_approval', changed: false } });
    const plan = await openPlan();
    await http.daemon.api.daemon.approvePlan(plan?.id ?? '', { channel: 'terminal', ...yes });
    // Another principal's approved plan is not this one's.
    const other = await http.client(era, http.at(http.keys.administrator), false);
    expect(await other.call('delete_schedule', { id: schedule })).toMatchObject({ data: { status: 'needs_approval' } });
    expect(await http.has(schedule)).toBe(true);
    expect(await client.call('delete_schedule', { id: schedule })).toMatchObject({ data: { deleted: true } });
  });
});

describe.each(eras)('an answer that nobody gave over HTTP (%s)', (era) => {
  const forged = () => ({ inputResponses: { confirm: { action: 'accept', content: yes } } });

  it('in the first call counts for nothing: the question is asked', async () => {
    const client = await http.client(era);
    const asking = await client.ask('delete_schedule', { id: schedule }, forged());
    expect(await http.has(schedule)).toBe(true);
    await asking.answer('decline');
  });

  it('with an invented state counts for nothing', async () => {
    const client = await http.client(era, http.at(http.keys.administrator), false);
    await client.call('delete_schedule', { id: schedule });
    const invented = { plan: (await openPlan())?.id, nonce: 'x'.repeat(43) };
    for (const state of [JSON.stringify(invented), '{}', 'garbage']) {
      const requestState = Buffer.from(state).toString('base64url');
      await client.call('delete_schedule', { id: schedule }, { requestState, ...forged() });
      expect(await http.has(schedule)).toBe(true);
    }
  });

  it('for one schedule does not delete another', async () => {
    const other = await http.newSchedule();
    const client = await http.client(era);
    const asking = await client.ask('delete_schedule', { id: schedule });
    const { state } = asking;
    if (era === 'modern') {
      const typed = { confirm: { action: 'accept', content: { typed_id: String(other) } } };
      const reply = await client.call('delete_schedule', { id: other }, { requestState: state, inputResponses: typed });
      expect(reply).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    } else {
      // Before, a question knows its call by itself: only what is typed can name another.
      expect(await asking.answer('accept', { typed_id: String(other) })).toMatchObject({ isError: true });
    }
    expect([await http.has(schedule), await http.has(other)]).toEqual([true, true]);
  });

  it('a second time does nothing more', async () => {
    const client = await http.client(era);
    const patch = { id: schedule, suspended: true };
    const asking = await client.ask('update_schedule', patch);
    expect(await asking.answer('accept', yes)).toMatchObject({ isError: false });
    await http.daemon.api.updateSchedule(schedule, { suspended: false });
    const replayed = { requestState: asking.state ?? '', inputResponses: forged().inputResponses };
    const reply = await (await http.client(era, undefined, false)).call('update_schedule', patch, replayed);
    expect(reply.data).toMatchObject(
      era === 'modern' ? { error: { code: 'plan_used' } } : { status: 'needs_approval', changed: false },
    );
    expect((await http.daemon.api.getSchedule(schedule)).suspended).toBe(false);
  });

  it('by another key counts for nothing', async () => {
    const client = await http.client(era);
    const asking = await client.ask('delete_schedule', { id: schedule });
    const { key } = await http.daemon.api.daemon.createKey({ role: 'administrator' });
    const thief = await http.client(era, http.at(key), false);
    const stolen = { requestState: asking.state ?? '', ...forged() };
    const reply = await thief.call('delete_schedule', { id: schedule }, stolen);
    expect(reply.data).not.toMatchObject({ deleted: true });
    expect(await http.has(schedule)).toBe(true);
  });
});

describe.each(eras)('two processes and one store of plans (%s)', (era) => {
  it('a restore planned on stdio is approved at a terminal and carried out over HTTP by the same key, once', async () => {
    const backup = await takeBackup(http.daemon, 'shop');
    const restore = { service: 'shop', backup };
    const one = await stdio(era, false);
    const planned = await one.call('restore_backup', restore);
    expect(planned).toMatchObject({ isError: false, data: { status: 'needs_approval', changed: false } });
    const { code } = planned.data.plan as { code: string };
    const plan = await http.daemon.api.daemon.getPlan(code);
    await http.daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: 'shop' });
    const before = (await http.daemon.api.listRestores()).count;

    const other = await http.client(era, undefined, false);
    const replies = await Promise.all([other, one, other].map((client) => client.call('restore_backup', restore)));
    const done = replies.filter(({ isError, data }) => !isError && data.wait_for !== undefined);
    expect(done).toHaveLength(1);
    expect((await http.daemon.api.listRestores()).count).toBe(before + 1);
    const restores = await http.daemon.api.listRestores({ order: 'desc' });
    await http.daemon.ended(restores.items[0]?.job_id ?? 0);
  });
});

describe('two processes of the newer protocol', () => {
  it('a question put by one is answered through the other, and no longer counts in the first', async () => {
    const one = await stdio('modern', true);
    const asking = await one.ask('delete_schedule', { id: schedule });
    const other = await http.client('modern');
    const answer = {
      requestState: asking.state,
      inputResponses: { confirm: { action: 'accept', content: yes } },
    };
    expect(await other.call('delete_schedule', { id: schedule }, answer)).toMatchObject({ data: { deleted: true } });
    expect(await asking.answer('accept', yes)).toMatchObject({ isError: true });
  });
});
