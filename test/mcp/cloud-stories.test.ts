import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { type CloudDouble, type CloudDoubleOptions, startCloudDouble } from '../doubles/cloud.ts';
import { now, printedBackupId } from '../doubles/cloud-state.ts';
import { RawClient } from './raw-client.ts';
import { type SdkClient, sdkClients } from './sdk-clients.ts';
import { cloudEnvironment, newHome, serverCommand } from './server-command.ts';

const orders = 'dbtgf28044362';
const source = 'dbtgf28216706';
const yes = { action: 'accept', content: { typed_id: orders } } as const;
const wish = { service: 'orders', backup: 'latest', source: 'tx-filip-mdb-ms' };
type Data = Record<string, unknown>;

let cloud: CloudDouble;
let home: { home: string; remove: () => Promise<void> };
const clients: { close(): Promise<unknown> }[] = [];

beforeEach(async () => {
  home = await newHome();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await cloud.close();
  await home.remove();
});

async function inTheCloud(options: CloudDoubleOptions): Promise<void> {
  cloud = await startCloudDouble(options);
  const [printed] = cloud.state.backups;
  if (printed === undefined) throw new Error('no backup is printed');
  // What the target holds is safe: restoring it away loses nothing.
  const at = now(cloud.state);
  const own = { id: `${'b'.repeat(32)}:${orders}:orders-0`, service_id: orders, start_time: at, end_time: at };
  cloud.state.backups.unshift({ ...printed, ...own, point_in_time: at.replace('T', ' ').replace('Z', '') });
}
const server = () => serverCommand(home.home, cloudEnvironment(cloud));
const restoresStarted = (): number => cloud.state.restores.filter(({ service_id }) => service_id === orders).length;
const waitFor = ({ data }: { data: Data }): Data => data.wait_for as Data;

const cases = (['early', 'new'] as const).flatMap((revision) =>
  (['v1 Client', 'v2 Client, pinned'] as const).map((name) => ({ revision, name })),
);

describe.each(cases)('a restore as a person lives it: $revision revision, $name', ({ revision, name }) => {
  const connect = async (elicit?: (message: string) => { action: 'accept'; content: Record<string, string> }) => {
    const client = await sdkClients[name](server(), elicit);
    clients.push(client);
    return client;
  };

  async function toItsEnd(client: SdkClient, restore: { data: Data }): Promise<void> {
    const after = await client.call('wait_for', waitFor(restore));
    expect(after).toMatchObject({
      isError: false,
      data: { finished: true, outcome: 'done', service_status: 'stopped' },
    });
    expect(after.text).toContain(`${orders} now has the users and passwords of ${source}`);
    expect(after.data.warnings).toEqual([expect.stringContaining('stale')]);
    expect(after.data.next).toContain(`offer start_service with service "${orders}"`);
    expect(await client.call('start_service', { service: orders })).toMatchObject({ isError: false });
    expect(await client.call('list_services', { service: orders })).toMatchObject({
      data: { services: [{ status: 'ready' }] },
    });
    expect(await client.call('list_restores', { service: orders })).toMatchObject({
      data: { count: 1, restores: [{ backup_id: printedBackupId }] },
    });
    expect(restoresStarted()).toBe(1);
  }

  it('look up, plan, yes in the form, wait, check the service, start it, be warned of the users', async () => {
    await inTheCloud({ revision });
    const questions: string[] = [];
    const client = await connect((message) => {
      questions.push(message);
      return yes;
    });
    await client.tools();
    expect(await client.call('list_services', {})).toMatchObject({ data: { count: 3 } });
    const backups = await client.call('list_backups', { service: source });
    expect(backups).toMatchObject({ data: { backups: [{ id: printedBackupId }] } });
    const elsewhere = await client.call('restore_backup', { ...wish, service: 'reports' });
    expect(elsewhere).toMatchObject({ isError: true });
    expect(elsewhere.text).toContain(`Possible targets: ${orders}, ${source}`);

    const restore = await client.call('restore_backup', wish);
    for (const words of [
      `Replace ALL DATA of service ${orders}`,
      printedBackupId,
      `become those of ${source}`,
      'skybackup approve',
    ])
      expect(questions.join('\n')).toContain(words);
    expect(questions).toHaveLength(1);
    await toItsEnd(client, restore);
  });

  it('the same with a yes at a terminal', async () => {
    await inTheCloud({ revision });
    const client = await connect();
    const plan = await client.call('restore_backup', wish);
    expect(plan).toMatchObject({ data: { status: 'needs_approval', changed: false } });
    expect(restoresStarted()).toBe(0);
    const { code } = plan.data.plan as { code: string };
    const env = { SKYBACKUP_HOME: home.home, ...cloudEnvironment(cloud) };
    expect((await runCli(['approve', code, '--confirm', orders], { env })).code).toBe(0);
    expect(restoresStarted()).toBe(0);
    await toItsEnd(client, await client.call('restore_backup', wish));
  });

  it('a service is protected: a backup now, one every night, and both are to be seen', async () => {
    await inTheCloud({ revision });
    const client = await connect();
    const started = await client.call('create_backup', { service: 'reports' });
    expect(await client.call('wait_for', waitFor(started))).toMatchObject({ data: { outcome: 'done' } });
    const nightly = await client.call('create_schedule', { service: 'reports', cron: '0 3 * * *' });
    expect(nightly.text).toContain('At 03:00, every day (UTC)');
    expect(await client.call('list_schedules', { service: 'reports' })).toMatchObject({ data: { count: 2 } });
    const health = await client.call('check_backups', { service: 'reports' });
    expect(health).toMatchObject({
      data: { services: [{ service_id: 'dbpgf17106534', last_good: [{ type: 'full' }] }] },
    });
    const sent = cloud.requests.flatMap(({ method, body }) => (method === 'POST' ? [body] : []));
    // Word for word what the documentation has a person send.
    expect(sent).toEqual([
      { service_id: 'dbpgf17106534', backup_type: 'full', schedule: 'once' },
      { service_id: 'dbpgf17106534', backup_type: 'full', schedule: '0 3 * * *' },
    ]);
  });
});

describe.each(['early', 'new'] as const)('what fails on the way, in the %s revision', (revision) => {
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.start(server(), 'modern');
    clients.push(client);
    return client;
  };
  const restoreNow = async (client: RawClient) =>
    (await client.ask('restore_backup', wish)).answer('accept', yes.content);

  it('the target changes between plan and yes: nothing is started, and the next plan shows the change', async () => {
    await inTheCloud({ revision, advance: false });
    const client = await connect();
    const asking = await client.ask('restore_backup', wish);
    const target = cloud.state.services.find(({ id }) => id === orders);
    if (target) target.status = 'pending_scale';
    expect(await asking.answer('accept', yes.content)).toMatchObject({
      isError: true,
      data: { error: { code: 'target_changed' } },
    });
    expect(restoresStarted()).toBe(0);
    const again = await client.ask('restore_backup', wish);
    expect(again.message).toContain('now pending_scale');
    await again.answer('decline');
  });

  it.each([
    [400, 'invalid_request'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'conflict'],
  ])('the cloud refuses at the call with %d: its words are told, and nothing was started', async (status, code) => {
    await inTheCloud({ revision });
    const client = await connect();
    const asking = await client.ask('restore_backup', wish);
    cloud.fault({ method: 'POST', path: '/skybackup/v1/restores', status, message: 'The target is busy.' });
    const reply = await asking.answer('accept', yes.content);
    expect(reply).toMatchObject({ isError: true, data: { error: { code } } });
    expect(reply.text).toContain('The target is busy');
    if (status === 403) expect(reply.text).toContain('does not allow starting a restore');
    expect(restoresStarted()).toBe(0);
    // The yes was for one try.
    await (await client.ask('restore_backup', wish)).answer('decline');
  });

  it('the restore fails: said with its reason, the state of the service, and what to do', async () => {
    await inTheCloud({ revision, restoresEnd: 'Failed' });
    const client = await connect();
    const after = await client.call('wait_for', waitFor(await restoreNow(client)));
    expect(after).toMatchObject({
      isError: false,
      data: { finished: true, outcome: 'failed', service_status: 'stopped' },
    });
    expect(after.text).toContain('The archive cannot be read');
    expect(after.text).toContain('may be incomplete');
  });

  it('the restore seems to hang: each wait ends in time, and it is not started again', async () => {
    await inTheCloud({ revision, advance: false });
    const client = await connect();
    const restore = await restoreNow(client);
    const waited = await client.call('wait_for', { ...waitFor(restore), timeout: 1 });
    expect(waited).toMatchObject({ data: { finished: false, outcome: 'in_progress', status: 'Scheduled' } });
    expect(waited.text).toContain('cancels no restore');
    expect(await client.call('restore_backup', wish)).toMatchObject({
      isError: true,
      data: { error: { code: 'conflict' } },
    });
    expect(restoresStarted()).toBe(1);
  });

  it('the process is killed in the middle: another one goes on by the id', async () => {
    await inTheCloud({ revision, advance: false });
    const first = await connect();
    const wait = waitFor(await restoreNow(first));
    process.kill(first.pid ?? 0, 'SIGKILL');
    const [restore] = cloud.state.restores.slice(-1);
    Object.assign(restore ?? {}, { status: 'Succeeded', message: 'Restore has succeeded!' });
    const second = await connect();
    expect(await second.call('wait_for', wait)).toMatchObject({
      data: { finished: true, outcome: 'done', users_of: source },
    });
    expect(restoresStarted()).toBe(1);
  });

  it('the process is killed while the cloud does not answer: the next one finds the restore, and starts no second', async () => {
    await inTheCloud({ revision, advance: false });
    const first = await connect();
    const path = '/skybackup/v1/restores';
    const asking = await first.ask('restore_backup', wish);
    if (revision === 'early') cloud.fault({ method: 'POST', path });
    let isAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    cloud.fault({ method: 'POST', path, trickleMs: 1000, afterwards: isAsked });
    void asking.answer('accept', yes.content);
    await asked;
    process.kill(first.pid ?? 0, 'SIGKILL');
    const second = await connect();
    const reply = await second.call('restore_backup', wish);
    expect(reply).toMatchObject({ isError: true, data: { error: { code: 'conflict' } } });
    expect(reply.text).toContain('wait_for with {"kind":"restore","id":14}');
    expect(restoresStarted()).toBe(1);
  });
});
