import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Restore } from '../../src/contract/restores.ts';
import { runCli } from '../cli/run-cli.ts';
import { type CommandedServer, commanded } from '../servers/commanded.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';
import { takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let server: TestMariadbd;
let scripts: CommandedServer;
let folder: string;
let backup: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skb-pw-'));
  daemon = await startDaemon();
  server = await startMariadbd({ seed: true });
  scripts = commanded(server);
  await loginBecomes('the first one');
  await daemon.api.daemon.registerService({
    id: 'orders',
    control: { kind: 'command', start: scripts.start, stop: scripts.stop },
    connection: { socket: server.socket, user: 'keeper', password_file: join(folder, 'password') },
    datadir: server.datadir,
    nightly: false,
  });
  backup = await takeBackup(daemon, 'orders');
});
afterAll(async () => {
  await daemon.dispose();
  rmSync(folder, { recursive: true, force: true });
  await scripts.dispose();
  await server.stop();
});

/** The account of skybackup on the server, with another password from now on. */
async function loginBecomes(password: string): Promise<void> {
  await server.sql(`CREATE OR REPLACE USER keeper@localhost IDENTIFIED BY '${password}';
    GRANT ALL ON *.* TO keeper@localhost`);
  writeFileSync(join(folder, 'password'), `${password}\n`, { mode: 0o600 });
}

async function restored(request: object = {}): Promise<Restore> {
  const asked = await daemon.api.createRestore({ service_id: 'orders', backup_id: backup, ...request });
  expect((await daemon.ended(asked.job_id ?? 0)).status).toBe('Succeeded');
  return daemon.api.getRestore(asked.id);
}

const planOf = (more: object) =>
  daemon.api.daemon.createPlan({
    operation: 'restore_backup',
    arguments: { service_id: 'orders', id: backup, ...more },
  });

it('the account that skybackup logs in with stays what it is on the target: its backups go on', async () => {
  await loginBecomes('the second one');
  const { arguments: bound, facts } = await planOf({ keep_account: true });
  expect(bound).toEqual({ service_id: 'orders', id: backup });
  expect(facts.keeps?.join()).toMatch(/account that skybackup logs in with on orders.*unless keep_account is false/);
  expect((await restored()).warnings).toBeUndefined();
  await takeBackup(daemon, 'orders');
});

it('it becomes the backup’s where that is declined, which the plan says and is bound to', async () => {
  await loginBecomes('the third one');
  const plan = await planOf({ keep_account: false });
  expect(plan.arguments).toEqual({ service_id: 'orders', id: backup, keep_account: false });
  expect(plan.facts.keeps?.join()).not.toContain('account');
  expect(plan.facts.warnings.join()).toContain('its backups fail until that is made again');
  await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: 'orders' });
  // What was agreed to is the other request.
  await expect(restored({ plan_id: plan.id })).rejects.toMatchObject({ code: 'plan_mismatch' });

  // Refused from the right process is up; and nobody is left to think that backups go on.
  const restore = await restored({ keep_account: false, plan_id: plan.id });
  expect(restore).toMatchObject({ status: 'Succeeded', message: expect.stringContaining('orders runs') });
  expect(restore.warnings?.join()).toContain('refuses the login of skybackup');
  expect(await daemon.backedUpAfter(restore.id)).toMatchObject({ status: 'Failed' });
  await expect(takeBackup(daemon, 'orders')).rejects.toThrow('access_denied');
  writeFileSync(join(folder, 'password'), 'the first one\n');
  await takeBackup(daemon, 'orders');
});

it('the tool takes it as well, and its plan is bound to it', async () => {
  const asked = JSON.stringify({ service: 'orders', backup, keep_account: false });
  const { stdout } = await runCli(['call', 'restore_backup', asked, '--json'], {
    env: { SKYBACKUP_HOME: daemon.home.root },
  });
  expect(JSON.parse(stdout)).toMatchObject({ status: 'needs_approval', changed: false });
  const [plan] = (await daemon.request('GET', '/skybackup/v1/plans')).body.plans as { arguments: object }[];
  expect(plan?.arguments).toEqual({ service_id: 'orders', id: backup, keep_account: false });
  const beside = JSON.stringify({ target: 'new', backup, keep_account: false });
  const refused = await runCli(['call', 'restore_backup', beside], { env: { SKYBACKUP_HOME: daemon.home.root } });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('an account of its own')]);
});

it('of the daemon’s own server it cannot be declined, nor for a service that is made', async () => {
  await daemon.api.daemon.registerService({ id: 'own', control: { kind: 'managed' }, nightly: false });
  const onto = { backup_id: backup, keep_account: false } as const;
  await expect(daemon.api.createRestore({ ...onto, service_id: 'own' })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining("the daemon's own server"),
  });
  await expect(daemon.api.createRestore({ ...onto, target: 'new' })).rejects.toMatchObject({ code: 'invalid_request' });
});
