import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { commandControl } from '../../../src/engine/control/command-control.ts';
import type { PoweredService } from '../../../src/engine/control/seen-server.ts';
import { identify, isAlive, waitUntilGone } from '../../../src/engine/mariadb/process-identity.ts';
import { type CommandedServer, commanded } from '../../servers/commanded.ts';
import { startMariadbd, type TestMariadbd } from '../../servers/mariadbd.ts';

let server: TestMariadbd;
let scripts: CommandedServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skb-cmd-'));
  server = await startMariadbd({ tcp: true });
  scripts = commanded(server);
});
afterAll(async () => {
  await scripts.dispose();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const service = (change: Partial<PoweredService> = {}): PoweredService => ({
  id: 'orders',
  connection: server.connection,
  datadir: server.datadir,
  server: undefined,
  ...change,
});
const control = (commands: { start?: string; stop?: string } = {}, of = service(), noShowMs = 30_000) =>
  commandControl(of, { start: scripts.start, stop: scripts.stop, ...commands }, join(folder, 'orders.log'), noShowMs);
const warn = vi.fn<(message: string) => void>();
const turn = (timeoutMs = 30_000, signal?: AbortSignal) => ({ timeoutMs, signal, warn });
const up = async () => {
  if (scripts.process() === undefined) await control().start(turn());
  return scripts.process();
};
const down = async () => {
  if (scripts.process() !== undefined) await control().stop(turn());
};
beforeEach(() => warn.mockClear());

describe('a stop command', () => {
  it('stops the server, which is proven gone', async () => {
    const before = await up();
    await control().stop(turn());
    expect(before && isAlive(before)).toBe(false);
    expect(scripts.process()).toBeUndefined();
    expect(warn).not.toHaveBeenCalled();
  });

  it.each<[string, string, number, object]>([
    [
      'ends well and the server runs on',
      'true',
      300,
      { code: 'timeout', message: expect.stringMatching(/ended well, and the server \(process \d+\) still runs/) },
    ],
    [
      'fails',
      'echo "no such socket" >&2; exit 3',
      30_000,
      { code: 'service_failed', message: expect.stringMatching(/ended with code 3: no such socket.* still runs/) },
    ],
    [
      'is not there',
      '/nonexistent/stop',
      30_000,
      { code: 'service_failed', message: expect.stringContaining('ended with code 127') },
    ],
    [
      'never ends',
      'exec sleep 1000',
      300,
      { code: 'timeout', message: expect.stringMatching(/has not ended after .* still runs/) },
    ],
  ])('that %s leaves the server running, unharmed, and says so', async (_, stop, timeoutMs, error) => {
    const before = await up();
    await expect(control({ stop }).stop(turn(timeoutMs))).rejects.toMatchObject(error);
    expect(scripts.process()).toEqual(before);
    expect(await server.sql('SELECT 1')).toBe('1');
  });

  it('that never ends is not left behind', async () => {
    await up();
    const note = join(folder, 'pid');
    await expect(control({ stop: `echo $$ >${note}; exec sleep 1000` }).stop(turn(300))).rejects.toMatchObject({
      code: 'timeout',
    });
    const left = identify(Number(readFileSync(note, 'utf8')));
    if (left !== undefined) expect(await waitUntilGone(left, 10_000)).toBe(true);
  });

  it('that fails though the server is gone counts, with a warning', async () => {
    await up();
    await control({ stop: `${scripts.stop}; echo "could not remove a lock"; exit 4` }).stop(turn());
    expect(scripts.process()).toBeUndefined();
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/code 4: could not remove a lock.*gone all the same/),
    );
  });

  it('is not enough while someone else has files of the data directory open', async () => {
    await up();
    const reader = spawn('sleep', ['1000'], {
      stdio: [openSync(join(server.datadir, 'ibdata1'), 'r'), 'ignore', 'ignore'],
    });
    try {
      await expect(control().stop(turn())).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`Process ${reader.pid}`),
      });
    } finally {
      reader.kill('SIGKILL');
    }
  });

  it('is never run when another server answers than the one in the data directory', async () => {
    const before = await up();
    const ran = join(folder, 'ran');
    const wrong = control({ stop: `touch ${ran}` }, service({ datadir: folder }));
    await expect(wrong.stop(turn())).rejects.toMatchObject({ code: 'wrong_data_directory' });
    const missing = control({ stop: `touch ${ran}` }, service({ datadir: '/nonexistent' }));
    await expect(missing.stop(turn())).rejects.toMatchObject({ code: 'wrong_data_directory' });
    expect(existsSync(ran)).toBe(false);
    expect(scripts.process()).toEqual(before);
  });

  it('cancelled, ends, and the server is left alone', async () => {
    const before = await up();
    const cancel = new AbortController();
    const started = join(folder, 'started');
    const stopping = control({ stop: `touch ${started}; exec sleep 1000` }).stop(turn(30_000, cancel.signal));
    await Promise.all([
      expect(stopping).rejects.toMatchObject({ code: 'cancelled' }),
      expect
        .poll(() => existsSync(started), { timeout: 30_000 })
        .toBe(true)
        .then(() => cancel.abort()),
    ]);
    expect(scripts.process()).toEqual(before);
  });
});

describe('a start command', () => {
  it('starts the server, proven by its answer, without our settings in its environment', async () => {
    await down();
    vi.stubEnv('SKYSQL_API_KEY', 'secret-of-the-cloud');
    vi.stubEnv('MYSQL_HOME', '/nonexistent');
    const note = join(folder, 'env');
    await control({ start: `env >${note}; ${scripts.start}` }).start(turn());
    vi.unstubAllEnvs();
    expect(await server.sql('SELECT 1')).toBe('1');
    expect(readFileSync(note, 'utf8')).not.toMatch(/SKYSQL|SKYBACKUP|MYSQL_/);
  });

  it('that stays is the server itself, and is left running', async () => {
    await down();
    await control({ start: scripts.foreground }).start(turn());
    expect(await server.sql('SELECT 1')).toBe('1');
    await control().stop(turn());
    expect(scripts.process()).toBeUndefined();
  });

  it.each<[string, string, object]>([
    [
      'fails',
      'echo "disk is on fire"; exit 7',
      { code: 'service_failed', message: expect.stringMatching(/ended with code 7: disk is on fire/) },
    ],
    [
      'ends well and starts nothing',
      'true',
      { code: 'service_failed', message: expect.stringContaining('no server works in') },
    ],
    [
      'never ends and starts nothing',
      'exec sleep 1000',
      { code: 'timeout', message: expect.stringContaining('no answer came') },
    ],
  ])('that %s is told so', async (_, start, error) => {
    await down();
    await expect(control({ start }, service(), 300).start(turn(1500))).rejects.toMatchObject(error);
    expect(scripts.process()).toBeUndefined();
  });

  it('that brings up another server at this address is refused by name', async () => {
    await down();
    await expect(control({}, service({ datadir: folder })).start(turn())).rejects.toMatchObject({
      code: 'wrong_data_directory',
    });
    await control().stop(turn());
  });

  it.each(['socket', 'tcp'])('counts when the server refuses our login, with a warning (%s)', async (way) => {
    await down();
    const password_file = join(folder, 'wrong');
    writeFileSync(password_file, 'wrong-password');
    const address = way === 'socket' ? { socket: server.socket } : { host: '127.0.0.1', port: server.port ?? 0 };
    await control({}, service({ connection: { ...address, user: 'root', password_file } })).start(turn());
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('refuses the login'));
  });
});

describe('a server known by its address alone', () => {
  const remote = (change: Partial<PoweredService> = {}) =>
    service({
      connection: { host: '127.0.0.1', port: server.port ?? 0, user: 'remote' },
      datadir: undefined,
      ...change,
    });

  it('is stopped when nothing answers there any more, and started when it answers', async () => {
    await up();
    await server.sql("CREATE OR REPLACE USER remote@'127.0.0.1'; GRANT ALL ON *.* TO remote@'127.0.0.1'");
    await expect(control({ stop: 'true' }, remote()).stop(turn(300))).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('still answers'),
    });
    await control({}, remote()).stop(turn());
    expect(scripts.process()).toBeUndefined();
    await control({}, remote()).start(turn());
    expect(await server.sql('SELECT 1')).toBe('1');
  });

  it('is not touched when whoever answers there refuses the login', async () => {
    await up();
    const ran = join(folder, 'ran');
    const connection = { host: '127.0.0.1', port: server.port ?? 0, user: 'nobody' };
    const stranger = control({ stop: `touch ${ran}` }, remote({ connection }));
    await expect(stranger.stop(turn())).rejects.toMatchObject({ code: 'access_denied' });
    expect(existsSync(ran)).toBe(false);
  });

  it('is not touched when another server answers there', async () => {
    await up();
    const known = { version: '10.11.1', server_id: 4_000_000, hostname: 'db1' };
    const ran = join(folder, 'ran');
    await expect(control({ stop: `touch ${ran}` }, remote({ server: known })).stop(turn())).rejects.toMatchObject({
      code: 'wrong_server',
      message: expect.stringContaining('db1, server_id 4000000'),
    });
    expect(existsSync(ran)).toBe(false);
  });
});
