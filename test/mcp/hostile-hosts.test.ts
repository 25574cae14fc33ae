import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
let client: RawClient;

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  home = await newHome();
});
afterEach(async () => {
  await client.close();
  await cloud.close();
  await home.remove();
});

const start = async (era: (typeof eras)[number], elicitation = true): Promise<void> => {
  client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era, { elicitation });
};
const args = { id: 215 };
const yes = { typed_id: '215' };
const deleted = (): boolean => !cloud.state.schedules.some(({ id }) => id === 215);
function plans() {
  const store = openPlanStore(`${home.home}/plans.db`);
  try {
    return store.list();
  } finally {
    store.close();
  }
}

describe.each(eras)('a host (%s)', (era) => {
  it('that answers questions nobody asked, by guessed numbers, before and after one is asked', async () => {
    await start(era);
    const accept = { action: 'accept', content: yes };
    for (let id = 0; id < 30; id += 1) client.respond(id, accept);
    client.respond('confirm', accept);
    const asking = await client.ask('delete_schedule', args);
    for (let id = 1000; id < 1030; id += 1) client.respond(id, accept);
    await client.call('list_services', {});
    expect(deleted()).toBe(false);
    expect(plans()).toMatchObject([{ status: 'pending' }]);
    expect(await asking.answer('decline')).toMatchObject({ data: { status: 'declined' } });
  });

  it('that answers by itself with whatever it finds: no schema default and no word of the message is the id', async () => {
    await start(era);
    for (const typed_id of ['', 'yes', 'true', 'confirm', 'Type 215 to confirm', '«215»', 'orders', '215;200']) {
      const asking = await client.ask('delete_schedule', args);
      // Hosts that fill forms in take the default, or the first of an enumeration.
      expect(JSON.stringify(asking.schema)).not.toMatch(/"(default|enum|const|examples?)"/);
      expect(await asking.answer('accept', { typed_id }), typed_id).toMatchObject({
        isError: true,
        data: { error: { code: 'plan_mismatch' } },
      });
    }
    for (const content of [{ typed_id: ['215'] }, { typed_id: { id: '215' } }, { typed: '215' }, { id: 215 }]) {
      const reply = await (await client.ask('delete_schedule', args)).answer('accept', content);
      expect(reply.isError, JSON.stringify(content)).toBe(true);
    }
    expect(deleted()).toBe(false);
  });

  it('that says yes to what its person has cancelled, more than once', async () => {
    await start(era);
    const asking = await client.ask('delete_schedule', args);
    await asking.cancel();
    await asking.cancel();
    for (let i = 0; i < 3; i += 1) void asking.answer('accept', yes);
    await client.call('list_services', {});
    await expect.poll(() => plans().map(({ status }) => status)).toEqual(['void']);
    expect(deleted()).toBe(false);
  });

  it('that never answers and closes: no later yes counts, and the next process asks anew', async () => {
    await start(era);
    await client.ask('delete_schedule', args);
    await client.close();
    expect(plans().every(({ status }) => status !== 'approved')).toBe(true);
    await start(era, false);
    expect(await client.call('delete_schedule', args)).toMatchObject({ data: { status: 'needs_approval' } });
    expect(deleted()).toBe(false);
  });

  it('that shows all of an answer to the model, metadata included, shows nothing that opens a plan', async () => {
    await start(era, false);
    await client.call('delete_schedule', args);
    const answer = client.lines.find((line) => line.includes('needs_approval')) ?? '';
    const { _meta = {} } = JSON.parse(answer).result;
    const [plan] = plans();
    expect(JSON.stringify(_meta)).not.toContain(plan?.code);
    expect(answer).not.toContain(plan?.id);
    expect(answer).not.toMatch(/nonce|token/);
  });

  it('that passes what it was asked with on to the model as arguments helps it to nothing', async () => {
    await start(era);
    const asking = await client.ask('delete_schedule', args);
    const stolen = {
      requestState: asking.state ?? 'none',
      inputResponses: { confirm: { action: 'accept', content: yes } },
    };
    expect(await client.call('delete_schedule', { ...args, ...stolen })).toMatchObject({
      isError: true,
      data: { error: { code: 'invalid_request' } },
    });
    expect(deleted()).toBe(false);
    await asking.answer('decline');
  });
});
