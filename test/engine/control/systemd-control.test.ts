import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemdControl, unitState } from '../../../src/engine/control/systemd-control.ts';
import { isAlive } from '../../../src/engine/mariadb/process-identity.ts';
import { type CommandedServer, commanded, unit } from '../../servers/commanded.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';

const machine = vi.hoisted(() => ({ hasSystemctl: true }));
vi.mock(import('../../../src/engine/mariadb/tools.ts'), async (original) => {
  const tools = await original();
  const findTool: typeof tools.findTool = (tool, ...where) =>
    tool === 'systemctl' && !machine.hasSystemctl ? tools.findTool(tool, '', []) : tools.findTool(tool, ...where);
  return { ...tools, findTool };
});

/** No systemd runs here: a systemctl of the test's own, first on PATH, drives the real server. */
let server: TestMariadbd;
let scripts: CommandedServer;
beforeAll(async () => {
  server = await startMariadbd();
  scripts = commanded(server);
});
afterAll(async () => {
  await scripts.dispose();
  await server.stop();
});
beforeEach(() => void vi.stubEnv('PATH', `${scripts.systemctl}:${process.env.PATH}`));
afterEach(() => {
  vi.unstubAllEnvs();
  machine.hasSystemctl = true;
  for (const name of ['says', 'deaf', 'state', 'calls']) rmSync(join(server.root, name), { force: true });
});

const control = (name = unit) =>
  systemdControl({ id: 'orders', connection: server.connection, datadir: server.datadir, server: undefined }, name);
const turn = (timeoutMs = 30_000, signal?: AbortSignal) => ({ timeoutMs, signal, warn: () => undefined });
const calls = () => readFileSync(scripts.calls, 'utf8').trim().split('\n');

describe('a unit', () => {
  it('is stopped and started, without a shell, and proven by the process', async () => {
    const before = scripts.process();
    await control().stop(turn());
    expect(before && isAlive(before)).toBe(false);
    expect(scripts.process()).toBeUndefined();
    expect(await unitState(unit, 5000)).toBe('inactive');
    await control().start(turn());
    expect(await server.sql('SELECT 1')).toBe('1');
    expect(await unitState(unit, 5000)).toBe('active');
    expect(calls()).toEqual([
      `stop|--no-ask-password|--|${unit}|`,
      `show|--property=Result|--value|--|${unit}|`,
      `is-active|--|${unit}|`,
      `start|--no-ask-password|--|${unit}|`,
      `is-active|--|${unit}|`,
    ]);
  });

  it('that systemd calls stopped while the server runs on is not this server’s', async () => {
    writeFileSync(join(server.root, 'deaf'), '');
    const before = scripts.process();
    await expect(control().stop(turn(300))).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringMatching(/systemd has stopped .*, and the server \(process \d+\) still runs/),
      hint: expect.stringContaining('register the service with the right unit'),
    });
    expect(scripts.process()).toEqual(before);
  });

  it.each<[string, string, object]>([
    [
      'no systemd runs',
      'System has not been booted with systemd as init system (PID 1). Can’t operate.\nFailed to connect to bus: Host is down',
      {
        code: 'unsupported',
        message: expect.stringContaining('systemd does not run on this machine'),
        hint: expect.stringContaining('--stop-command'),
      },
    ],
    [
      'our user may not',
      `Failed to stop ${unit}: Interactive authentication required.`,
      { code: 'access_denied', message: expect.stringContaining(`may not stop ${unit}`) },
    ],
    [
      'it fails',
      `Job for ${unit} failed because the control process exited with error code.`,
      {
        code: 'service_failed',
        message: expect.stringContaining('control process exited'),
        hint: expect.stringContaining('journalctl'),
      },
    ],
  ])('says by name when %s, and the server goes on', async (_, words, error) => {
    writeFileSync(join(server.root, 'says'), `${words}\n`);
    const before = scripts.process();
    await expect(control().stop(turn())).rejects.toMatchObject(error);
    expect(scripts.process()).toEqual(before);
    expect(await unitState(unit, 5000)).toBe('unknown');
  });

  it('that systemd does not know is said to be unknown, also one that looks like an option', async () => {
    for (const name of ['mysql.service', '-Hroot']) {
      await expect(control(name).stop(turn())).rejects.toMatchObject({
        code: 'unsupported',
        message: `systemd knows no unit ${name}.`,
      });
    }
  });

  it('on a machine without systemctl is left alone, with what to do instead', async () => {
    machine.hasSystemctl = false;
    const before = scripts.process();
    await expect(control().stop(turn())).rejects.toMatchObject({
      code: 'tool_missing',
      message: `There is no systemctl on this machine, so ${unit} cannot be stopped.`,
      hint: expect.stringContaining('--stop-command'),
      details: { tool: 'systemctl', package: 'systemd' },
    });
    expect(scripts.process()).toEqual(before);
    expect(await unitState(unit, 5000)).toBe('unknown');
    machine.hasSystemctl = true;
    await control().stop(turn());
    machine.hasSystemctl = false;
    await expect(control().start(turn())).rejects.toMatchObject({ code: 'tool_missing' });
    expect(scripts.process()).toBeUndefined();
    machine.hasSystemctl = true;
    await control().start(turn());
  });

  it.each(['failed', 'activating', 'deactivating'])('is told as %s', async (state) => {
    writeFileSync(join(server.root, 'state'), `${state}\n`);
    expect(await unitState(unit, 5000)).toBe(state);
  });
});
