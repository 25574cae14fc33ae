import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Control } from '../../src/contract/services.ts';
import { runCli } from '../cli/run-cli.ts';
import { type CommandedServer, commanded, unit } from '../servers/commanded.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startMariadbd, type TestMariadbd } from '../servers/mariadbd.ts';

let server: TestMariadbd;
let scripts: CommandedServer;
let daemon: TestDaemon;
beforeAll(async () => {
  server = await startMariadbd({ tcp: true });
  await server.sql("CREATE USER remote@'127.0.0.1'; GRANT ALL ON *.* TO remote@'127.0.0.1'");
  scripts = commanded(server);
  const env = { PATH: `${scripts.systemctl}:${process.env.PATH}` };
  daemon = await startDaemon({ env });
  await register('unit', { kind: 'systemd', unit });
  await register('pair', { kind: 'command', start: scripts.start, stop: scripts.stop });
  await register('broken', { kind: 'command', start: 'exit 4', stop: 'echo "wrong socket" >&2; exit 3' });
  await register('bare', { kind: 'none' });
  await register('far', { kind: 'command', start: scripts.start, stop: scripts.stop }, farAway());
});
afterAll(async () => {
  await daemon.dispose();
  await scripts.dispose();
  await server.stop();
});

const farAway = () => ({
  connection: { host: '127.0.0.1', port: server.port ?? 0, user: 'remote' },
  datadir: undefined,
});
const register = (id: string, control: Control, change: object = {}) =>
  daemon.api.daemon.registerService({
    id,
    control,
    connection: { socket: server.socket, user: 'root' },
    datadir: server.datadir,
    nightly: false,
    ...change,
  });
const cli = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli(['services', ...args], { env: { SKYBACKUP_HOME: daemon.home.root } });
  return { code, words: stdout + stderr };
};
const statusOf = async (id: string) => (await daemon.api.getService(id)).status;

describe('start and stop', () => {
  it.each(['pair', 'unit', 'far'])('of %s at the command line, done when they return', async (id) => {
    expect(await cli('stop', id)).toEqual({ code: 0, words: `Service ${id} is stopped.${await silence(id)}\n` });
    expect(scripts.process()).toBeUndefined();
    expect(await statusOf(id)).toBe('stopped');
    expect(await cli('start', id)).toEqual({ code: 0, words: `Service ${id} is ready.\n` });
    expect(await server.sql('SELECT 1')).toBe('1');
    expect(await cli('start', id)).toMatchObject({ code: 0 });
  });

  /** What the client's own words are about a server that is not there. */
  async function silence(id: string): Promise<string> {
    const { message } = await daemon.api.getService(id);
    return message === undefined ? '' : ` ${message}`;
  }

  it('by a requester need an approved plan, and show what goes on', async () => {
    const { key } = await daemon.api.daemon.createKey({ role: 'requester' });
    const as = (path: string, body?: unknown) => daemon.request('POST', path, body, { 'x-api-key': key });
    const stop = '/provisioning/v1/services/unit/stop';
    expect((await as(stop)).body.errors?.[0]?.error).toBe('plan_required');
    const { body: plan } = await as('/skybackup/v1/plans', {
      operation: 'stop_service',
      arguments: { service_id: 'unit' },
    });
    await daemon.api.daemon.approvePlan(String(plan.id), { channel: 'terminal', typed_id: 'unit' });
    const { status, body } = await as(`${stop}?plan_id=${plan.id}`);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: 'pending_stop', job_id: expect.any(Number) },
    });
    expect((await daemon.ended(Number(body.job_id))).message).toBe('Service unit is stopped.');
    expect(scripts.process()).toBeUndefined();
    const { body: starting } = await as('/provisioning/v1/services/unit/start');
    expect(starting.status).toBe('pending_start');
    expect((await daemon.ended(Number(starting.job_id))).status).toBe('Succeeded');
  });

  it('that fail are told with their reason, and the server is as it was', async () => {
    const before = scripts.process();
    expect(await cli('stop', 'broken')).toEqual({
      code: 1,
      words: expect.stringMatching(/ended with code 3: wrong socket.*still runs/),
    });
    expect(scripts.process()).toEqual(before);
    expect(await statusOf('broken')).toBe('ready');
  });

  it('of a service without a control are refused by name, before anyone is asked', async () => {
    const refused = { code: 'unsupported', message: expect.stringContaining('without a way to stop and start it') };
    await expect(daemon.api.setPower('bare', false)).rejects.toMatchObject(refused);
    await expect(daemon.api.setPower('bare', true)).rejects.toMatchObject(refused);
    const plan = { operation: 'stop_service', arguments: { service_id: 'bare' } } as const;
    await expect(daemon.api.daemon.createPlan(plan)).rejects.toMatchObject(refused);
  });

  it('leave a server that does not depend on the daemon', async () => {
    await cli('stop', 'pair');
    await cli('start', 'pair');
    const before = scripts.process();
    await daemon.kill9();
    daemon = await daemon.restart({ env: { PATH: `${scripts.systemctl}:${process.env.PATH}` } });
    expect(scripts.process()).toEqual(before);
    expect(await statusOf('pair')).toBe('ready');
  });
});

describe('the status', () => {
  it('of a server that hangs is not called stopped', async () => {
    const { pid } = scripts.process() ?? { pid: 0 };
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await daemon.api.getService('pair')).toMatchObject({
        status: 'unknown',
        is_active: false,
        message: expect.stringContaining(`Process ${pid} works in its data directory`),
      });
      expect(await statusOf('unit')).toBe('failed');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await statusOf('pair')).toBe('ready');
  });

  it('of a unit is what systemd says while the server is silent', async () => {
    await cli('stop', 'pair');
    const state = join(server.root, 'state');
    for (const [word, status] of [
      ['failed', 'failed'],
      ['activating', 'pending_start'],
      ['deactivating', 'pending_stop'],
      ['inactive', 'stopped'],
    ] as const) {
      writeFileSync(state, `${word}\n`);
      expect(await statusOf('unit'), word).toBe(status);
    }
    rmSync(state);
  });

  it('of an address is not ready when another server answers there, and nothing is done to that one', async () => {
    const other = await startMariadbd({
      args: [`--port=${server.port}`, '--bind-address=127.0.0.1', '--skip-networking=0'],
    });
    try {
      await other.sql("CREATE USER remote@'127.0.0.1'; GRANT ALL ON *.* TO remote@'127.0.0.1'");
      expect(await daemon.api.getService('far')).toMatchObject({
        status: 'unknown',
        is_active: false,
        message: expect.stringContaining(`Another server than that of far answers at 127.0.0.1:${server.port}`),
      });
      const stopped = await cli('stop', 'far');
      expect(stopped).toEqual({ code: 1, words: expect.stringContaining('Another server than that of far') });
      expect(await other.sql('SELECT 1')).toBe('1');
      const backup = { backup_type: 'binarylog', schedule: 'once', service_id: 'far' } as const;
      const { job_id } = await daemon.api.createSchedule(backup);
      const job = await daemon.ended(job_id ?? 0);
      expect(job).toMatchObject({ status: 'Failed', error: { code: 'wrong_server' } });
    } finally {
      await other.stop();
    }
    await cli('start', 'far');
    expect(await statusOf('far')).toBe('ready');
  });
});
