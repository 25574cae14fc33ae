import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const restore = { service: orders, backup: printedBackupId };

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble({ advance: false });
  cloud.state.backups.push(ownBackup(orders));
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(era: (typeof eras)[number], env: Record<string, string> = {}): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, { ...cloudEnvironment(cloud), ...env }), era, {
    elicitation: false,
  });
  clients.push(client);
  return client;
}

function withPlans<T>(work: (store: ReturnType<typeof openPlanStore>) => T): T {
  const store = openPlanStore(`${home.home}/plans.db`);
  try {
    return work(store);
  } finally {
    store.close();
  }
}
const approveNewest = (typed_id: string): void =>
  void withPlans((store) => store.approve(store.list()[0]?.id ?? '', { channel: 'terminal', typed_id }));
const changes = (): string[] =>
  cloud.requests
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/lookup'))
    .map(({ method, path }) => `${method} ${path}`);
const codeOf = ({ data }: { data: Record<string, unknown> }): string =>
  (data.plan as { code?: string } | undefined)?.code ?? '';

describe.each(eras)('a model (%s)', (era) => {
  it('that skips the plan finds no argument that stands for a yes', async () => {
    const client = await start(era);
    const pending = await client.call('delete_schedule', { id: 215 });
    const [plan] = withPlans((store) => store.list());
    const words: Record<string, unknown> = {
      ...{ plan: plan?.id, plan_id: plan?.id, code: codeOf(pending), approved: true, confirm: '215', confirmed: 'yes' },
      ...{ typed_id: '215', force: true, token: plan?.id, approved_by: 'terminal', requestState: plan?.id },
      inputResponses: { confirm: { action: 'accept', content: { typed_id: '215' } } },
      _meta: { approved: true },
    };
    for (const [name, value] of Object.entries(words)) {
      const reply = await client.call('delete_schedule', { id: 215, [name]: value });
      expect(reply, name).toMatchObject({ isError: true, data: { error: { code: 'invalid_request' } } });
    }
    expect(changes()).toEqual([]);
    expect(withPlans((store) => store.list())).toMatchObject([{ status: 'pending' }]);
  });

  it('that changes an argument after the yes has approved nothing', async () => {
    const client = await start(era);
    await client.call('update_schedule', { id: 215, suspended: true });
    approveNewest('215');
    const changed = [
      { id: 215, suspended: true, cron: '0 3 * * 0' },
      { id: 215, suspended: true, type: 'binarylog' },
      { id: 200, suspended: true },
    ];
    for (const args of changed) {
      expect(await client.call('update_schedule', args)).toMatchObject({ data: { status: 'needs_approval' } });
    }
    expect(changes()).toEqual([]);
    // The one that was approved is carried out, once.
    expect(await client.call('update_schedule', { id: 215, suspended: true })).toMatchObject({ isError: false });
    expect(changes()).toHaveLength(1);
  });

  it('that has a person approve one target does not get at another', async () => {
    const client = await start(era);
    await client.call('restore_backup', { ...restore, service: 'reports', safety_backup: false });
    await client.call('restore_backup', restore);
    approveNewest(orders);
    for (const args of [
      { ...restore, service: 'dbtgf28216706', safety_backup: false },
      { ...restore, backup: ownBackup(orders).id },
    ]) {
      expect((await client.call('restore_backup', args)).data).not.toHaveProperty('wait_for');
    }
    expect(await client.call('stop_service', { service: orders })).toMatchObject({
      data: { status: 'needs_approval' },
    });
    expect(changes()).toEqual([]);
  });

  it('that has the wrong id typed, or the id of another plan, has approved nothing', async () => {
    const client = await start(era);
    await client.call('delete_schedule', { id: 215 });
    for (const typed of ['200', '215 ', ' ', '', '0215', '215\u200b', 'orders'])
      expect(() => approveNewest(typed), JSON.stringify(typed)).toThrow();
    expect(await client.call('delete_schedule', { id: 215 })).toMatchObject({ data: { status: 'needs_approval' } });
    expect(changes()).toEqual([]);
  });

  it('that uses a plan again, or one of another key, has nothing', async () => {
    const client = await start(era);
    await client.call('delete_schedule', { id: 215 });
    approveNewest('215');
    const other = await start(era, { SKYSQL_ORG: 'another-organisation' });
    expect(await other.call('delete_schedule', { id: 215 })).toMatchObject({ data: { status: 'needs_approval' } });
    expect(changes()).toEqual([]);
    await client.call('delete_schedule', { id: 215 });
    expect(changes()).toEqual(['DELETE /skybackup/v1/backups/schedules/215']);
    expect((await client.call('delete_schedule', { id: 215 })).isError).toBe(true);
    expect(changes()).toHaveLength(1);
  });

  it('that calls tools which no model is shown gets none, by whatever name', async () => {
    const client = await start(era);
    await client.call('delete_schedule', { id: 215 });
    const [plan] = withPlans((store) => store.list());
    const names = [
      'approve',
      'approve_plan',
      'approve_restore',
      'confirm',
      'confirm_plan',
      'confirm_restore',
      'app_approve',
    ];
    for (const name of [...names, 'ui_approve', 'decline_plan', 'constructor', '__proto__', '']) {
      const reply = await client.call(name, { plan: plan?.id, code: plan?.code, typed_id: '215', id: 215 });
      expect(reply.isError, name).toBe(true);
    }
    expect(withPlans((store) => store.list())).toMatchObject([{ status: 'pending' }]);
  });

  it('that orders a schedule which never fires, or an hour of backups, is refused or unheard', async () => {
    const client = await start(era);
    for (const cron of [
      '0 0 31 2 *',
      '0 0 30 2 *',
      '60 * * * *',
      '* * * * * *',
      '@yearly',
      '',
      '*/0 * * * *',
      'once',
    ]) {
      for (const [tool, args] of [
        ['create_schedule', { service: orders, cron }],
        ['update_schedule', { id: 200, cron }],
      ] as const) {
        expect(await client.call(tool, args), `${tool} ${cron}`).toMatchObject({ isError: true });
      }
    }
    // The cloud keeps backups seven days, and no tool of it says otherwise.
    expect((await client.call('set_retention', { service: orders, max_age: '1h' })).isError).toBe(true);
    expect(changes()).toEqual([]);
  });

  it('is told neither the id of a plan nor a nonce, so that nothing it was shown opens anything', async () => {
    const client = await start(era);
    await client.call('delete_schedule', { id: 215 });
    await client.call('restore_backup', restore);
    const seen = client.lines.join('\n') + client.stderr + readFileSync(`${home.home}/audit.jsonl`, 'utf8');
    for (const plan of withPlans((store) => store.list())) {
      expect(seen).toContain(plan.code);
      expect(seen).not.toContain(plan.id);
    }
  });
});

describe.each(eras)('what another process approved more loosely (%s)', (era) => {
  it.each(['host', 'app'] as const)('is no yes for one that asks people: %s', async (channel) => {
    const client = await start(era);
    await client.call('delete_schedule', { id: 215 });
    withPlans((store) => {
      const id = store.list()[0]?.id ?? '';
      store.approve(id, { channel, ...(channel === 'app' && { typed_id: '215', nonce: store.ask(id) }) });
    });
    expect(await client.call('delete_schedule', { id: 215 })).toMatchObject({ data: { status: 'needs_approval' } });
    expect(changes()).toEqual([]);
    expect(withPlans((store) => store.list()).map(({ status }) => status)).toEqual(['pending', 'void']);
  });
});
