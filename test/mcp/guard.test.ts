import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup } from '../doubles/cloud-state.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const source = 'dbtgf28216706';
const restore = { service: orders, backup: 'latest', source };
const yes = { typed_id: orders };

let cloud: CloudDouble;
let home: string;
let removeHome: () => Promise<void>;
const clients: RawClient[] = [];

beforeEach(async () => {
  // Nothing moves on by itself: what changes between plan and call is what the test changes.
  cloud = await startCloudDouble({ advance: false });
  cloud.state.backups.push(ownBackup(orders));
  ({ home, remove: removeHome } = await newHome());
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await removeHome();
});

async function start(
  era: 'legacy' | 'modern',
  env: Record<string, string> = {},
  elicitation = true,
): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home, { ...cloudEnvironment(cloud), ...env }), era, {
    elicitation,
  });
  clients.push(client);
  return client;
}

/** What really happened in the cloud. */
function restoresStarted(): number {
  return cloud.requests.filter(({ method, path }) => method === 'POST' && path === '/skybackup/v1/restores').length;
}

function plans() {
  const store = openPlanStore(`${home}/plans.db`);
  try {
    return store.list();
  } finally {
    store.close();
  }
}

/** A person at a terminal: another process, with the same plans file. */
function approveAtTerminal(typedId: string): void {
  const store = openPlanStore(`${home}/plans.db`);
  const [plan] = store.list();
  store.approve(plan?.id ?? '', { channel: 'terminal', typed_id: typedId });
  store.close();
}

describe.each(eras)('a person is asked (%s)', (era) => {
  it('and a yes with the typed id restores once, telling the whole plan first', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', restore);
    expect(asking.message).toContain('Replace ALL DATA of service dbtgf28044362');
    expect(asking.message).toContain('eda3b72460c8c0d9d61a7f01b6a22e32');
    expect(asking.message).toContain('users and passwords');
    expect(asking.message).toMatch(/skybackup approve [2-9A-Z]{4}-[2-9A-Z]{4}$/);
    expect(JSON.stringify(asking.schema)).toContain(`Type ${orders} to confirm`);
    expect(restoresStarted()).toBe(0);
    const reply = await asking.answer('accept', yes);
    expect(reply).toMatchObject({ isError: false, data: { service_id: orders, wait_for: { kind: 'restore' } } });
    expect(restoresStarted()).toBe(1);
    expect(plans()).toMatchObject([{ status: 'claimed', approved_by: 'elicitation' }]);
  });

  it('and a no voids the plan: nothing happens, and the same call asks anew', async () => {
    const client = await start(era);
    const declined = await (await client.ask('restore_backup', restore)).answer('decline');
    expect(declined).toMatchObject({ isError: false, data: { status: 'declined', changed: false } });
    const cancelled = await (await client.ask('restore_backup', restore)).answer('cancel');
    expect(cancelled).toMatchObject({ data: { status: 'cancelled', changed: false } });
    expect(restoresStarted()).toBe(0);
    expect(plans().map(({ status }) => status)).toEqual(['void', 'declined']);
  });

  it('and a wrong id is no yes; nor is an accept without one', async () => {
    const client = await start(era);
    for (const content of [{ typed_id: 'dbtgf28216706' }, { typed_id: 'yes' }, { typed_id: true }, {}, undefined]) {
      const reply = await (await client.ask('restore_backup', restore)).answer('accept', content);
      expect(reply).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    }
    expect(restoresStarted()).toBe(0);
    expect(plans().every(({ status }) => status !== 'approved')).toBe(true);
  });

  it('and a late yes after the call was cancelled does nothing', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', restore);
    await asking.cancel();
    if (era === 'modern') {
      expect(await asking.answer('accept', yes)).toMatchObject({
        isError: true,
        data: { error: { code: 'plan_used' } },
      });
    } else {
      void asking.answer('accept', yes);
    }
    // A later call on the same connection proves that the late answer has been dealt with.
    await client.call('list_services', {});
    expect(restoresStarted()).toBe(0);
    expect(plans()).toMatchObject([{ status: 'void' }]);
  });

  it('and a target that changed since is refused', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', restore);
    const target = cloud.state.services.find(({ id }) => id === orders);
    if (target) target.status = 'failed';
    const reply = await asking.answer('accept', yes);
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'target_changed' } } });
    expect(restoresStarted()).toBe(0);
  });

  it('and a new backup of the target in between is a change, too', async () => {
    const client = await start(era);
    const asking = await client.ask('delete_schedule', { id: 215 });
    const schedule = cloud.state.schedules.find(({ id }) => id === 215);
    if (schedule) schedule.schedule = '0 4 * * *';
    const reply = await asking.answer('accept', { typed_id: '215' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'target_changed' } } });
    expect(cloud.state.schedules.some(({ id }) => id === 215)).toBe(true);
  });

  it('for a weaker schedule, and not for a stronger one', async () => {
    const client = await start(era);
    expect(await client.call('update_schedule', { id: 200, cron: '0 1,13 * * *' })).toMatchObject({ isError: false });
    const asking = await client.ask('update_schedule', { id: 200, suspended: true });
    expect(asking.message).toContain('no backup is taken');
    expect(await asking.answer('accept', { typed_id: '200' })).toMatchObject({
      isError: false,
      data: { suspended: true },
    });
    expect(cloud.state.schedules.find(({ id }) => id === 200)?.suspended).toBe(true);
  });
});

describe.each(eras)('an answer that nobody gave (%s)', (era) => {
  const forged = { inputResponses: { confirm: { action: 'accept', content: yes } } };

  it('in the first call counts for nothing: the question is asked', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', restore, forged);
    expect(restoresStarted()).toBe(0);
    await asking.answer('decline');
  });

  it('with an invented state counts for nothing', async () => {
    const client = await start(era);
    const first = await client.ask('restore_backup', restore);
    const plan = plans()[0]?.id;
    const invented = Buffer.from(JSON.stringify({ plan, nonce: 'x'.repeat(43) })).toString('base64url');
    for (const requestState of [invented, 'garbage', '', Buffer.from('{}').toString('base64url')]) {
      const { answer } = client.request('tools/call', {
        name: 'restore_backup',
        arguments: restore,
        requestState,
        ...forged,
      });
      // The old protocol asks again (and waits); the new one asks again or refuses. Neither restores.
      if (era === 'modern') await answer;
      else await client.call('list_services', {});
    }
    expect(restoresStarted()).toBe(0);
    await first.cancel();
  });
});

describe('states of the newer protocol', () => {
  const accept = { confirm: { action: 'accept', content: yes } };

  it('a state of one request does not open another, whatever differs', async () => {
    const client = await start('modern');
    const { state } = await client.ask('delete_schedule', { id: 215 });
    const typed = { confirm: { action: 'accept', content: { typed_id: '215' } } };
    const others: [string, Record<string, unknown>][] = [
      ['delete_schedule', { id: 200 }],
      ['update_schedule', { id: 215, suspended: true }],
      ['restore_backup', restore],
    ];
    for (const [name, args] of others) {
      const reply = await client.call(name, args, { requestState: state, inputResponses: typed });
      expect(reply).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    }
    expect(cloud.state.schedules).toHaveLength(2);
    expect(restoresStarted()).toBe(0);
  });

  it('arguments that change between plan and answer are refused', async () => {
    const client = await start('modern');
    const { state } = await client.ask('update_schedule', { id: 215, suspended: true });
    const reply = await client.call(
      'update_schedule',
      { id: 215, suspended: true, cron: '0 3 * * 0' },
      { requestState: state, inputResponses: { confirm: { action: 'accept', content: { typed_id: '215' } } } },
    );
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    expect(cloud.state.schedules.find(({ id }) => id === 215)?.suspended).toBe(false);
  });

  it('a replayed state does nothing more', async () => {
    const client = await start('modern');
    const asking = await client.ask('restore_backup', restore);
    await asking.answer('accept', yes);
    const replies = [];
    for (let i = 0; i < 3; i += 1) {
      replies.push(
        await client.call('restore_backup', restore, { requestState: asking.state, inputResponses: accept }),
      );
    }
    expect(replies.every(({ isError }) => isError)).toBe(true);
    expect(restoresStarted()).toBe(1);
  });

  it('an earlier question dies when the same is asked again', async () => {
    const client = await start('modern');
    const first = await client.ask('restore_backup', restore);
    const second = await client.ask('restore_backup', restore);
    expect(await first.answer('accept', yes)).toMatchObject({ isError: true });
    expect(restoresStarted()).toBe(0);
    expect(await second.answer('accept', yes)).toMatchObject({ isError: false });
    expect(restoresStarted()).toBe(1);
  });

  it('a wrong id burns the state: a second guess does not count', async () => {
    const client = await start('modern');
    const asking = await client.ask('restore_backup', restore);
    await asking.answer('accept', { typed_id: 'wrong' });
    expect(await asking.answer('accept', yes)).toMatchObject({ isError: true });
    expect(restoresStarted()).toBe(0);
  });
});

describe.each(eras)('two processes (%s)', (era) => {
  it('a plan made in one is approved by another and carried out by a third', async () => {
    const one = await start(era, {}, false);
    const reply = await one.call('restore_backup', restore);
    expect(reply).toMatchObject({ isError: false, data: { status: 'needs_approval', changed: false } });
    expect(reply.text).toMatch(/skybackup approve [2-9A-Z]{4}-[2-9A-Z]{4}/);
    expect(reply.text).toContain('call restore_backup again');
    // The id is the token of `host` mode and is never shown otherwise.
    expect(JSON.stringify(reply)).not.toContain(plans()[0]?.id);
    expect(await one.call('restore_backup', restore)).toMatchObject({ data: { status: 'needs_approval' } });
    expect(plans()).toHaveLength(1);

    approveAtTerminal(orders);
    const other = await start(era, {}, false);
    expect(await other.call('restore_backup', { service: orders, backup: 'latest', source })).toMatchObject({
      isError: false,
      data: { wait_for: { kind: 'restore' } },
    });
    expect(restoresStarted()).toBe(1);
    // While it runs the same is not even planned again.
    expect(await one.call('restore_backup', restore)).toMatchObject({ data: { error: { code: 'conflict' } } });
    expect(restoresStarted()).toBe(1);
  });

  it('that race to carry out one plan start one restore', async () => {
    const racers = await Promise.all([start(era, {}, false), start(era, {}, false)]);
    await racers[0]?.call('restore_backup', restore);
    approveAtTerminal(orders);
    const replies = await Promise.all([...racers, ...racers].map((client) => client.call('restore_backup', restore)));
    expect(replies.filter(({ isError, data }) => !isError && data.wait_for !== undefined)).toHaveLength(1);
    expect(restoresStarted()).toBe(1);
  });

  it('a yes at the terminal does not survive a change of the target, and the person is told', async () => {
    const client = await start(era, {}, false);
    await client.call('restore_backup', restore);
    approveAtTerminal(orders);
    const target = cloud.state.services.find(({ id }) => id === orders);
    if (target) target.status = 'stopped';
    expect(await client.call('restore_backup', restore)).toMatchObject({
      isError: true,
      data: { error: { code: 'target_changed' } },
    });
    if (target) target.status = 'ready';
    expect(await client.call('restore_backup', restore)).toMatchObject({ data: { status: 'needs_approval' } });
    expect(restoresStarted()).toBe(0);
  });

  it('a yes at the terminal while the form is open is enough, and the form does not add a second restore', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', restore);
    approveAtTerminal(orders);
    await asking.answer('accept', yes);
    expect(restoresStarted()).toBe(1);
    expect(plans()).toMatchObject([{ status: 'claimed' }]);
  });
});
