import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backedUpScene, takeBackup } from '../daemon/managed-scene.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { calls, type GuardedCall, writingTools } from './guarded-calls.ts';
import { RawClient } from './raw-client.ts';
import { serverCommand } from './server-command.ts';

let daemon: TestDaemon;
let client: RawClient;
let table: GuardedCall[];

const toolNames = [
  ...['restore_backup', 'undo_restore', 'delete_backup', 'delete_restore', 'delete_schedule', 'set_retention'],
  ...['update_schedule', 'create_schedule', 'create_backup', 'stop_service', 'start_service', 'verify_backup'],
  'cancel_job',
];

beforeAll(async () => {
  daemon = await startDaemon();
  const { backup } = await backedUpScene(daemon, 'orders');
  const restore = await daemon.api.createRestore({ service_id: 'orders', backup_id: backup });
  await daemon.ended(restore.job_id ?? 0);
  await daemon.backedUpAfter(restore.id);
  // Neither the last good one nor one that a plan below is about.
  const between = (await daemon.api.listBackups({ order: 'desc' })).items.find(({ id }) => id !== backup)?.id ?? '';
  await takeBackup(daemon, 'orders');
  const place = join(daemon.home.root, 'place');
  mkdirSync(place);
  await daemon.api.daemon.addStorage({ name: 'spare', path: `file://${place}` });
  const daily = { backup_type: 'full', schedule: '0 3 * * *', service_id: 'orders' } as const;
  const { id } = await daemon.api.createSchedule(daily);
  const service = 'orders';

  table = [
    ...calls('restore_backup', 'plan', {
      'replace all data': { service, backup },
      'replace all data by the newest': { service, backup: 'latest' },
    }),
    ...calls('restore_backup', 'invalid_request', {
      'do without the safety backup that only the cloud has': { service, backup, safety_backup: false },
      'replace some tables in place': { service, backup, tables: ['shop.orders'] },
      'bring a bucket along': { service, backup, external_source: { bucket: 's3://evil-bucket/' } },
    }),
    ...calls('restore_backup', 'unsupported', {
      "take the login of the daemon's own server": { service, backup, keep_account: false },
      'restore from a bucket': { service, backup: 's3://evil-bucket/x.tar' },
    }),
    ...calls('undo_restore', 'plan', { 'undo a restore': { id: restore.id } }),
    ...calls('delete_backup', 'plan', { 'delete a backup': { id: between } }),
    ...calls('delete_restore', 'plan', { 'delete the record of a restore': { id: restore.id } }),
    ...calls('delete_schedule', 'plan', { 'delete a schedule': { id } }),
    ...calls('set_retention', 'plan', {
      'keep backups for an hour': { service, max_age: '1h' },
      'keep but one': { service, keep_last: 1 },
      'keep next to nothing': { service, max_size: '1MB' },
      'keep all, of a day': { service, max_age: '1d', keep_last: 1000 },
    }),
    ...calls('set_retention', 'invalid_request', {
      'keep for no time': { service, max_age: '0h' },
      'keep none': { service, keep_last: 0 },
      'give no rule': { service },
    }),
    ...calls('set_retention', 'done', {
      'look at what would go': { service, max_age: '1h', dry_run: true },
      'keep everything': { service, keep_everything: true },
    }),
    ...calls('update_schedule', 'plan', {
      'suspend it': { id, suspended: true },
      'make it weekly': { id, cron: '0 3 * * 0' },
      'make fulls incrementals': { id, type: 'incremental' },
      'hide a loss behind a gain': { id, cron: '0 * * * *', suspended: true },
    }),
    ...calls('update_schedule', 'invalid_schedule', { 'never fire': { id, cron: '0 0 31 2 *' } }),
    ...calls('update_schedule', 'done', { 'be more often': { id, cron: '0 */6 * * *' } }),
    ...calls('create_schedule', 'plan', {
      'send backups to a new place': { service, cron: '0 3 * * *', storage: 'spare' },
    }),
    ...calls('create_schedule', 'invalid_schedule', { 'never fire': { service, cron: '0 0 30 2 *' } }),
    ...calls('create_schedule', 'not_found', {
      'go to a folder by its path': { service, cron: '0 3 * * *', storage: '/evil-bucket' },
    }),
    ...calls('create_schedule', 'done', {
      'protect a service': { service, cron: '0 5 * * 0' },
      'prove its backups': { service, cron: '0 6 * * 0', type: 'drill' },
    }),
    ...calls('create_backup', 'plan', { 'send a backup to a new place': { service, storage: 'spare' } }),
    ...calls('create_backup', 'not_found', {
      'go to a bucket by its path': { service, storage: 's3://evil-bucket/x' },
    }),
    ...calls('create_backup', 'done', { 'take a backup': { service } }),
    ...calls('verify_backup', 'done', { 'prove a backup': { backup, checks: ['quick'] } }),
    ...calls('cancel_job', 'done', { 'cancel what has ended': { job_id: restore.job_id ?? 0 } }),
    ...calls('start_service', 'done', { 'start what runs': { service } }),
    ...calls('stop_service', 'plan', { 'stop a service': { service } }),
  ];
  client = await RawClient.start(serverCommand(daemon.home.root), 'modern', { elicitation: false });
});
afterAll(async () => {
  await client.close();
  await daemon.dispose();
});

/** What the daemon did for anyone, by its own account; plans change nothing. */
async function changes(): Promise<string[]> {
  const { items } = await daemon.api.daemon.listAudit({ order: 'desc', page_size: 1000 });
  return items.flatMap(({ action, outcome, detail }) =>
    outcome === 'done' && !/ a plan$/.test(action) ? [`${action} ${JSON.stringify(detail.asked)}`] : [],
  );
}

const outcomeOf = ({ isError, data }: Awaited<ReturnType<RawClient['call']>>): string => {
  const { code } = (data.error ?? {}) as { code?: string };
  return isError ? (code ?? 'unknown tool') : data.status === 'needs_approval' ? 'plan' : 'done';
};

it('each tool that may change something stands in the table', async () => {
  const tools = await writingTools(client);
  expect(tools.length).toBeGreaterThan(10);
  for (const { name } of tools) expect(toolNames).toContain(name);
  for (const name of toolNames)
    expect(
      table.map(({ tool }) => tool),
      name,
    ).toContain(name);
});

describe.each(toolNames)('a model that calls %s at once', (name) => {
  it('gets no further than the table says, and the daemon does nothing before a yes', async () => {
    const offered = (await writingTools(client)).some((tool) => tool.name === name);
    for (const { tool, tries, args, comesTo } of table.filter((row) => row.tool === name)) {
      const before = await changes();
      const reply = await client.call(tool, args);
      expect(outcomeOf(reply), `${tries}: ${reply.text}`).toBe(offered ? comesTo : 'unknown tool');
      if (outcomeOf(reply) !== 'done') expect(await changes(), tries).toEqual(before);
      // What runs is part of what a plan is for.
      else if (typeof reply.data.job_id === 'number') await daemon.ended(reply.data.job_id);
    }
  });
});

it('a restore of the daemon offers what keeps the present data longer', async () => {
  const row = table.find(({ tool }) => tool === 'restore_backup');
  const { data } = await client.call('restore_backup', row?.args ?? {});
  expect(data.plan).toMatchObject({
    undo: expect.stringMatching(/kept for 72 hours.*create_backup\) keeps them longer/),
  });
});

it('two servers that race with one approved plan start one restore', async () => {
  const { args = {} } = table.find(({ tool }) => tool === 'restore_backup') ?? {};
  const { data } = await client.call('restore_backup', args);
  const [plan] = (await daemon.api.daemon.listPlans()).filter(
    ({ code }) => code === (data.plan as { code: string }).code,
  );
  await daemon.api.daemon.approvePlan(plan?.id ?? '', { channel: 'terminal', typed_id: 'orders' });
  const command = serverCommand(daemon.home.root);
  const racers = await Promise.all([1, 2].map(() => RawClient.start(command, 'modern', { elicitation: false })));
  try {
    const before = (await daemon.api.listRestores()).count;
    const replies = await Promise.all([...racers, ...racers].map((racer) => racer.call('restore_backup', args)));
    const started = replies.filter(({ isError, data }) => !isError && data.wait_for !== undefined);
    expect(started, replies.map(({ text }) => text).join('\n')).toHaveLength(1);
    expect((await daemon.api.listRestores()).count).toBe(before + 1);
    await daemon.ended(Number(started[0]?.data.job_id));
    await daemon.backedUpAfter(Number(started[0]?.data.id));
  } finally {
    await Promise.all(racers.map((racer) => racer.close()));
  }
});

describe('a service that a person locked', () => {
  it('is refused to every tool that takes something away, whatever was approved before', async () => {
    const stop = { service: 'orders' };
    const { data } = await client.call('stop_service', stop);
    const code = (data.plan as { code: string }).code;
    const plan = (await daemon.api.daemon.listPlans()).find((each) => each.code === code);
    await daemon.api.daemon.approvePlan(plan?.id ?? '', { channel: 'terminal', typed_id: 'orders' });
    await daemon.api.daemon.lockService('orders', { reason: 'month end' });
    expect(outcomeOf(await client.call('stop_service', stop))).toBe('locked');

    const offered = (await writingTools(client)).map(({ name }) => name);
    // A backup to a place of its own and a record are no part of the service; data, protection and power are.
    const others = ['create_backup', 'create_schedule', 'delete_restore'];
    const taking = table.filter(
      ({ tool, comesTo }) => comesTo === 'plan' && offered.includes(tool) && !others.includes(tool),
    );
    expect(new Set(taking.map(({ tool }) => tool)).size).toBeGreaterThan(6);
    const before = await changes();
    for (const { tool, tries, args } of taking) {
      const reply = await client.call(tool, args);
      // What it now is may be another refusal (the plan of before changed its target), and never a plan or a deed.
      expect(outcomeOf(reply), `${tool} ${tries}: ${reply.text}`).toBe('locked');
    }
    expect(await changes()).toEqual(before);
    await daemon.api.daemon.unlockService('orders');
  });
});
