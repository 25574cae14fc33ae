import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(era: Era, env: Record<string, string>, elicitation = true): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...env }), era, {
    elicitation,
  });
  clients.push(client);
  return client;
}

const args = { id: 215 };
const deleted = (): boolean => !cloud.state.schedules.some(({ id }) => id === 215);

describe.each(eras)('SKYBACKUP_CONFIRM=host (%s)', (era) => {
  it('answers with a token, and the call that repeats it carries the plan out, once', async () => {
    const client = await start(era, { SKYBACKUP_CONFIRM: 'host' });
    const first = await client.call('delete_schedule', args);
    expect(first).toMatchObject({ isError: false, data: { status: 'needs_approval' } });
    expect(deleted()).toBe(false);
    const { token } = first.data.plan as { token: string };
    expect(first.text).toContain(token);
    const other = await client.call('delete_schedule', { id: 200, plan: token });
    expect(other).toMatchObject({ isError: true, data: { error: { code: 'plan_mismatch' } } });
    expect(await client.call('delete_schedule', { ...args, plan: token })).toMatchObject({ data: { deleted: true } });
    expect(deleted()).toBe(true);
    expect(await client.call('delete_schedule', { ...args, plan: token })).toMatchObject({ isError: true });
  });

  it('an invented token opens nothing', async () => {
    const client = await start(era, { SKYBACKUP_CONFIRM: 'host' });
    const { data } = await client.call('delete_schedule', args);
    const { code } = data.plan as { code: string };
    for (const plan of ['', 'yes', `pln_${'A'.repeat(27)}`]) {
      expect(await client.call('delete_schedule', { ...args, plan })).toMatchObject({ isError: true });
    }
    // The code is for people to read out; it is no token.
    await client.call('delete_schedule', { ...args, plan: code });
    expect(deleted()).toBe(false);
  });

  it('what a host approved is not enough for a process that asks people', async () => {
    const host = await start(era, { SKYBACKUP_CONFIRM: 'host' });
    await host.call('delete_schedule', args);
    const store = openPlanStore(`${home.home}/plans.db`);
    store.approve(store.list()[0]?.id ?? '', { channel: 'host' });
    store.close();
    const asks = await start(era, {}, false);
    const reply = await asks.call('delete_schedule', args);
    expect(reply).toMatchObject({ data: { status: 'needs_approval' } });
    expect(deleted()).toBe(false);
    // The plan that it names instead can be approved by a person.
    const again = openPlanStore(`${home.home}/plans.db`);
    again.approve(again.list()[0]?.id ?? '', { channel: 'terminal', typed_id: '215' });
    again.close();
    expect(await asks.call('delete_schedule', args)).toMatchObject({ data: { deleted: true } });
  });
});

describe.each(eras)('SKYBACKUP_CONFIRM=ask (%s)', (era) => {
  it('knows no plan argument', async () => {
    const client = await start(era, {});
    const reply = await client.call('delete_schedule', { ...args, plan: 'x' });
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
  });

  it('keeps the plans readable for this user alone', async () => {
    const client = await start(era, {}, false);
    await client.call('delete_schedule', args);
    expect((await stat(`${home.home}/plans.db`)).mode & 0o777).toBe(0o600);
  });

  it('a client that declares forms and never answers is told the terminal after two tries, and is not stuck', async () => {
    const client = await start(era, {});
    for (let i = 0; i < 2; i += 1) {
      const asking = await client.ask('delete_schedule', args);
      await asking.cancel();
    }
    const reply = await client.call('delete_schedule', args);
    expect(reply).toMatchObject({ isError: false, data: { status: 'needs_approval' } });
    expect(reply.text).toContain('skybackup approve');
    // It goes on asking about other things.
    await (await client.ask('delete_schedule', { id: 200 })).answer('decline');
    expect(deleted()).toBe(false);
  });
});

describe.each(eras)('SKYBACKUP_CONFIRM=strict (%s)', (era) => {
  it('never asks a form, and refuses in the cloud, where no approver key exists', async () => {
    const client = await start(era, { SKYBACKUP_CONFIRM: 'strict' });
    const reply = await client.call('delete_schedule', args);
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'unsupported' } } });
    expect(reply.text).toContain('approver key');
    expect(await client.call('update_schedule', { id: 200, cron: '0 1 * * *' })).toMatchObject({ isError: false });
    expect(deleted()).toBe(false);
  });
});

describe.each(eras)('SKYBACKUP_READ_ONLY=1 (%s)', (era) => {
  it('has the reading tools and no other, by any name', async () => {
    const client = await start(era, { SKYBACKUP_READ_ONLY: '1' });
    const { result } = await client.request('tools/list').answer;
    expect(result?.tools).toMatchObject(
      [
        'list_services',
        'list_backups',
        'check_backups',
        'show_backups',
        'list_storages',
        'wait_for',
        'list_restores',
        'list_schedules',
        'preview_schedule',
      ].map((name) => ({
        name,
      })),
    );
    const reply = await client.call('delete_schedule', args);
    expect(reply.isError).toBe(true);
    expect(reply.text).toContain('not found');
    expect(deleted()).toBe(false);
    expect(cloud.requests.every(({ method }) => method === 'GET')).toBe(true);
  });
});
