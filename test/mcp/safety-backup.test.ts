import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlanStore } from '../../src/plans/sqlite-plan-store.ts';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type CloudBackup, ownBackup, printedBackupId } from '../doubles/cloud-state.ts';
import { type Era, eras, RawClient } from './raw-client.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const restore = { service: orders, backup: printedBackupId };

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: RawClient[] = [];

beforeEach(async () => {
  cloud = await startCloudDouble();
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function start(era: Era, elicitation = true): Promise<RawClient> {
  const client = await RawClient.start(serverCommand(home.home, cloudEnvironment(cloud)), era, { elicitation });
  clients.push(client);
  return client;
}

function plans() {
  const store = openPlanStore(`${home.home}/plans.db`);
  try {
    return store.list();
  } finally {
    store.close();
  }
}

function approveAtTerminal(): void {
  const store = openPlanStore(`${home.home}/plans.db`);
  store.approve(store.list()[0]?.id ?? '', { channel: 'terminal', typed_id: orders });
  store.close();
}

const restoresStarted = (): unknown[] =>
  cloud.requests.flatMap(({ method, path, body }) =>
    method === 'POST' && path === '/skybackup/v1/restores' ? [body] : [],
  );

describe.each(eras)('a restore that the cloud cannot undo (%s)', (era) => {
  it('asks for a safety backup first, and names it in the plan once it is there', async () => {
    const client = await start(era);
    const first = await client.call('restore_backup', restore);
    expect(first).toMatchObject({ isError: true, data: { error: { code: 'safety_backup_first', retryable: true } } });
    expect(first.text).toContain(`Call create_backup with service "${orders}", then wait_for`);
    expect(first.text).toContain('safety_backup false');
    expect(plans()).toEqual([]);

    const taken = await client.call('create_backup', { service: orders });
    const wait = taken.data.wait_for as Record<string, unknown>;
    await expect
      .poll(async () => (await client.call('wait_for', wait)).data)
      .toMatchObject({ finished: true, outcome: 'done' });
    const asking = await client.ask('restore_backup', restore);
    const safety = cloud.state.backups.find(({ service_id }) => service_id === orders);
    expect(asking.message).toMatch(`Undo: Restore the safety backup ${safety?.id}, of `);
    expect(await asking.answer('accept', { typed_id: orders })).toMatchObject({ isError: false });
    expect(restoresStarted()).toHaveLength(1);
  });

  it('is warned of loudly where a person declined that, and the cloud is not told of the argument', async () => {
    const client = await start(era);
    const asking = await client.ask('restore_backup', { ...restore, safety_backup: false });
    expect(asking.message).toMatch(/^Undo: NONE\. .*the safety backup was DECLINED/m);
    expect(await asking.answer('accept', { typed_id: orders })).toMatchObject({ isError: false });
    expect(restoresStarted()).toEqual([{ service_id: orders, id: printedBackupId }]);
  });

  it('with the way back declined is another request: a yes to one is none to the other', async () => {
    cloud.state.backups.push(ownBackup(orders));
    const client = await start(era, false);
    await client.call('restore_backup', restore);
    approveAtTerminal();
    const declined = await client.call('restore_backup', { ...restore, safety_backup: false });
    expect(declined).toMatchObject({ data: { status: 'needs_approval' } });
    expect(restoresStarted()).toEqual([]);
    // Said as it is by default, it is the same request.
    await client.call('restore_backup', { ...restore, safety_backup: true });
    expect(restoresStarted()).toHaveLength(1);
  });
});

const own = (change: Partial<CloudBackup>, minutesAgo?: number): CloudBackup => ({
  ...ownBackup(orders, minutesAgo),
  ...change,
});

describe('what counts as a safety backup', () => {
  it.each<[string, CloudBackup]>([
    ['an older one', own({}, 61)],
    ['one of another service', ownBackup('dbtgf28216706')],
    ['one that failed', own({ status: 'Failed' })],
    ['one that still runs', own({ status: 'Running' })],
    ['an incremental', own({ type: 'incremental' })],
    ['binary logs', own({ type: 'binarylog' })],
    ['one from the future', own({}, -90)],
    ['one from a future within the hour', own({}, -30)],
  ])('%s does not', async (_, backup) => {
    cloud.state.backups.push(backup);
    const client = await start('modern');
    expect(await client.call('restore_backup', restore)).toMatchObject({
      isError: true,
      data: { error: { code: 'safety_backup_first' } },
    });
    expect(plans()).toEqual([]);
  });

  it.each(['full', 'dump', 'snapshot'])('a fresh %s does', async (type) => {
    cloud.state.backups.push(own({ type }, 59));
    const asking = await (await start('modern')).ask('restore_backup', restore);
    expect(asking.message).toContain('Undo: Restore the safety backup ');
  });

  it('one of another service does not, even where the cloud lists it as the target’s', async () => {
    cloud.state.backups.push(ownBackup('dbtgf28216706'));
    const all = await fetch(`${cloud.url}/skybackup/v1/backups`, { headers: { 'x-api-key': cloud.key } });
    cloud.fault({ path: '/skybackup/v1/backups', times: 99, body: await all.text() });
    expect(await (await start('modern')).call('restore_backup', restore)).toMatchObject({
      isError: true,
      data: { error: { code: 'safety_backup_first' } },
    });
  });

  it('a fresh one does beside one from the future', async () => {
    const fresh = own({}, 10);
    cloud.state.backups.push(fresh, own({}, -90));
    const asking = await (await start('modern')).ask('restore_backup', restore);
    expect(asking.message).toContain(`Undo: Restore the safety backup ${fresh.id}`);
  });

  it('the backup that is restored is no way back, and the plan says so', async () => {
    const backup = ownBackup(orders);
    cloud.state.backups.push(backup);
    const asking = await (await start('modern')).ask('restore_backup', { service: orders, backup: backup.id });
    expect(asking.message).toMatch(/^Undo: NONE\. .* beyond the restored backup itself is in no backup\.$/m);
  });

  it.each(['stopped', 'failed'])('a %s service must be started first, and the answer says how', async (status) => {
    const service = cloud.state.services.find(({ id }) => id === orders);
    Object.assign(service ?? {}, { status, is_active: false });
    const reply = await (await start('modern')).call('restore_backup', restore);
    expect(reply.text).toContain(`It is ${status}, so no backup of it can be taken now`);
    expect(reply.text).toContain('start_service');
    expect(reply.text).toContain('safety_backup false');
  });

  it('a plan that was made in time is carried out, though the hour is over meanwhile', async () => {
    const backup = ownBackup(orders, 59);
    cloud.state.backups.push(backup);
    const client = await start('modern', false);
    await client.call('restore_backup', restore);
    approveAtTerminal();
    backup.point_in_time = ownBackup(orders, 61).point_in_time;
    expect(await client.call('restore_backup', restore)).toMatchObject({ isError: false });
    expect(restoresStarted()).toHaveLength(1);
  });
});
