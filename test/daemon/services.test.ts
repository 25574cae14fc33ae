import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandedServer, commanded } from '../servers/commanded.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';
import { takeBackup } from './managed-scene.ts';

let daemon: TestDaemon;
let server: TestMariadbd;
let scripts: CommandedServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skb-pw-'));
  // One after the other: should the second fail, the first is still ended below.
  daemon = await startDaemon();
  server = await startMariadbd({ seed: true });
  scripts = commanded(server);
});
afterAll(async () => {
  await daemon.dispose();
  rmSync(folder, { recursive: true, force: true });
  await scripts.dispose();
  await server.stop();
});

const register = (id: string, change: object = {}) =>
  daemon.api.daemon.registerService({
    id,
    control: { kind: 'none' },
    connection: { socket: server.socket, user: 'root' },
    datadir: server.datadir,
    nightly: false,
    ...change,
  });

describe('a server from outside', () => {
  it('is taken in, shown as it is, backed up, and without control refused for a restore with the reason', async () => {
    expect(await register('outside')).toMatchObject({
      id: 'outside',
      status: 'ready',
      control: 'none',
      datadir: server.datadir,
    });
    await expect(register('outside')).rejects.toMatchObject({ code: 'conflict' });
    const backup = await takeBackup(daemon, 'outside');
    await expect(daemon.api.createRestore({ service_id: 'outside', backup_id: backup })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('without a way to stop and start it'),
    });
    expect(await daemon.api.lookupRestoreTargets({ backup_id: backup, service_id: 'outside' })).toEqual([]);
    await expect(daemon.api.setPower('outside', false)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('is told as down while it is, and its backup fails by that name', async () => {
    await server.down();
    expect(await daemon.api.getService('outside')).toMatchObject({ status: 'stopped', is_active: false });
    const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: 'outside' });
    const job = await daemon.ended(schedule.job_id ?? 0);
    expect(job).toMatchObject({ status: 'Failed', error: { code: 'service_down', hint: expect.any(String) } });
    expect(await daemon.api.getSchedule(schedule.id)).toMatchObject({ status: 'Failed', message: job.message });
    await server.up();
    expect((await daemon.api.getService('outside')).status).toBe('ready');
  });

  it('is restored onto a managed service, which then has its data', async () => {
    const backup = await takeBackup(daemon, 'outside');
    await daemon.api.daemon.registerService({ id: 'copy', control: { kind: 'managed' }, nightly: false });
    expect(await daemon.api.lookupRestoreTargets({ backup_id: backup, service_id: 'outside' })).toMatchObject([
      { service_id: 'copy' },
    ]);
    const restore = await daemon.api.createRestore({ service_id: 'copy', backup_id: backup });
    expect((await daemon.ended(restore.job_id ?? 0)).status).toBe('Succeeded');
    expect(await daemon.api.getRestore(restore.id)).toMatchObject({ users_from: 'outside' });
    // Its own account still lets skybackup in: the next backup goes on.
    await takeBackup(daemon, 'copy');
  });

  it('is restored itself where its commands are known', async () => {
    const backup = await takeBackup(daemon, 'outside');
    await register('controlled', { control: { kind: 'command', start: scripts.start, stop: scripts.stop } });
    expect(await daemon.api.lookupRestoreTargets({ backup_id: backup, service_id: 'outside' })).toMatchObject([
      { service_id: 'controlled' },
      { service_id: 'copy' },
    ]);
    const before = await server.checksums();
    await server.sql('SET foreign_key_checks = 0; DROP TABLE shop.customers');
    writeFileSync(join(server.datadir, 'server-key.pem'), 'key');
    const args = { service_id: 'controlled', id: backup };
    const { facts } = await daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: args });
    expect(facts.keeps?.join(' ')).toContain('server-key.pem');
    expect(facts.undo).toContain(`${server.datadir}.skybackup/data.before-restore-`);
    const restore = await daemon.api.createRestore({ service_id: 'controlled', backup_id: backup });
    expect((await daemon.ended(restore.job_id ?? 0)).status).toBe('Succeeded');
    expect(await server.checksums()).toEqual(before);
    expect(await daemon.api.getService('controlled')).toMatchObject({ status: 'ready' });
    const { kept_data } = await daemon.api.getRestore(restore.id);
    expect(kept_data).toContain(`${server.datadir}.skybackup/data.before-restore-`);
    // Other data than those of before: the next incremental would not go on from them.
    await takeBackup(daemon, 'controlled');
    await daemon.api.daemon.forgetService('controlled');
  });

  it('is forgotten with its schedules, and its backups stay', async () => {
    await daemon.api.createSchedule({ backup_type: 'full', schedule: '0 3 * * *', service_id: 'outside' });
    const { count } = await daemon.api.listBackups({ service_id: 'outside' });
    await daemon.api.daemon.forgetService('outside');
    await expect(daemon.api.getService('outside')).rejects.toMatchObject({ code: 'not_found' });
    expect((await daemon.api.listSchedules({ service_id: 'outside' })).count).toBe(0);
    expect((await daemon.api.listBackups({ service_id: 'outside' })).count).toBe(count);
    expect(await server.sql('SELECT COUNT(*) FROM shop.customers')).toBe('1000');
  });
});

describe('what cannot be backed up is not registered', () => {
  it.each<[string, () => Promise<unknown>, object]>([
    [
      'no server there',
      () => register('one', { connection: { socket: '/nonexistent/s', user: 'root' } }),
      { code: 'service_down' },
    ],
    [
      'a wrong password',
      async () => {
        await server.sql("CREATE OR REPLACE USER locked@localhost IDENTIFIED BY 'right-password'");
        const password_file = join(folder, 'wrong');
        writeFileSync(password_file, 'wrong-password\n', { mode: 0o600 });
        return register('one', { connection: { socket: server.socket, user: 'locked', password_file } });
      },
      { code: 'access_denied' },
    ],
    [
      'a missing privilege, by its name',
      async () => {
        await server.sql(
          "CREATE OR REPLACE USER poor@localhost IDENTIFIED BY 'poor-password'; GRANT SELECT ON *.* TO poor@localhost",
        );
        const password_file = join(folder, 'poor');
        writeFileSync(password_file, 'poor-password\n', { mode: 0o600 });
        return register('one', { connection: { socket: server.socket, user: 'poor', password_file } });
      },
      { code: 'privilege_missing', message: expect.stringContaining('RELOAD') },
    ],
    ["another server's data directory", () => register('one', { datadir: folder }), { code: 'wrong_data_directory' }],
    [
      'a directory that is not there',
      () => register('one', { datadir: '/nonexistent' }),
      { code: 'wrong_data_directory' },
    ],
  ])('%s', async (_, attempt, error) => {
    await expect(attempt()).rejects.toMatchObject(error);
    await expect(daemon.api.getService('one')).rejects.toMatchObject({ code: 'not_found' });
    expect(daemon.log()).not.toMatch(/wrong-password|poor-password/);
  });
});

describe('a managed server', () => {
  it('is made once, gets its nightly backup unless told not to, and outlives the daemon', async () => {
    const both = await Promise.allSettled(
      [1, 2].map(() => daemon.api.daemon.registerService({ id: 'own', control: { kind: 'managed' } })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const nightly = await daemon.api.listSchedules({ service_id: 'own' });
    expect(nightly).toMatchObject({
      count: 1,
      items: [{ type: 'full', schedule: expect.stringMatching(/^\d+ 2 \* \* \*$/) }],
    });
    const before = daemon.processes();
    await daemon.kill9();
    daemon = await daemon.restart();
    expect((await daemon.api.getService('own')).status).toBe('ready');
    expect(daemon.processes()).toEqual(before);
  });

  it('is stopped and started, and forgotten only when it does not run', async () => {
    await expect(daemon.api.daemon.forgetService('own')).rejects.toMatchObject({ code: 'conflict' });
    await daemon.api.setPower('own', false);
    await expect.poll(async () => (await daemon.api.getService('own')).status, { timeout: 30_000 }).toBe('stopped');
    await daemon.api.setPower('own', false);
    await daemon.api.setPower('own', true);
    await expect.poll(async () => (await daemon.api.getService('own')).status, { timeout: 30_000 }).toBe('ready');
    await daemon.api.setPower('own', false);
    await expect.poll(async () => (await daemon.api.getService('own')).status, { timeout: 30_000 }).toBe('stopped');
    await daemon.api.daemon.forgetService('own');
    expect((await daemon.api.listServices()).map(({ id }) => id)).not.toContain('own');
  });

  it('is listed in pages', async () => {
    const first = await daemon.request('GET', '/provisioning/v1/services?page_size=1');
    expect(first.body).toHaveLength(1);
    expect((await daemon.api.listServices()).length).toBeGreaterThanOrEqual(1);
  });
});
