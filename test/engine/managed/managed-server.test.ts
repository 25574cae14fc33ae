import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { homeOf } from '../../../src/contract/home.ts';
import { managedLayout } from '../../../src/engine/managed/layout.ts';
import {
  createManagedServer,
  managedStatus,
  startManagedServer,
  stopManagedServer,
} from '../../../src/engine/managed/managed-server.ts';
import { readServerFile, updateServerFile } from '../../../src/engine/managed/server-file.ts';
import { connect } from '../../../src/engine/mariadb/connect.ts';
import { identify, signalProcess, waitUntilGone } from '../../../src/engine/mariadb/process-identity.ts';
import type { ServiceRecord } from '../../../src/engine/service.ts';
import { managedService, type TestHome, temporaryHome } from '../../servers/managed.ts';

let place: TestHome;
beforeAll(() => {
  place = temporaryHome();
});
afterAll(() => place.dispose());

async function ask<T extends object>(service: ServiceRecord, sql: string): Promise<T[]> {
  const connection = await connect(service.connection);
  try {
    return await connection.query<T>(sql);
  } finally {
    await connection.close();
  }
}

describe('a managed server', () => {
  let service: ServiceRecord;
  beforeAll(async () => {
    service = await managedService(place.home, 'orders');
  });

  test('answers with the options that backups need', async () => {
    const [row] = await ask<Record<string, unknown>>(
      service,
      'SELECT @@log_bin AS log, @@binlog_format AS format, @@gtid_strict_mode AS strict, @@bind_address AS address, @@port AS port, CURRENT_USER() AS me',
    );
    expect(row).toMatchObject({ log: 1, format: 'ROW', strict: 1, address: '127.0.0.1', me: 'skybackup@localhost' });
    expect(row?.port).toBe(readServerFile(managedLayout(place.home, 'orders')).port);
  });

  test('has no account that lets in whoever asks, and keeps its password to its owner', async () => {
    const accounts = await ask<{ user: string }>(
      service,
      `SELECT user FROM mysql.global_priv WHERE JSON_VALUE(priv, '$.authentication_string') = ''
         AND JSON_VALUE(priv, '$.plugin') LIKE '%password' AND COALESCE(JSON_VALUE(priv, '$.account_locked'), 0) = 0`,
    );
    expect(accounts).toEqual([]);
    const layout = managedLayout(place.home, 'orders');
    expect(statSync(layout.clientFile).mode & 0o777).toBe(0o600);
    expect(statSync(layout.data).mode & 0o077).toBe(0);
  });

  test('is a session of its own, so that no signal to the daemon reaches it', async () => {
    const { pid } = await managedStatus(place.home, service);
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    expect([fields[2], fields[3]]).toEqual([String(pid), String(pid)]);
  });

  test('is found again by a daemon that knows nothing of its process', async () => {
    const layout = managedLayout(place.home, 'orders');
    const { pid } = await managedStatus(place.home, service);
    updateServerFile(layout, { process: null });
    expect(await managedStatus(place.home, service)).toMatchObject({ status: 'ready', pid });
    // A pid that now belongs to somebody else is not taken for the server.
    updateServerFile(layout, {
      process: { pid: process.pid, start_time: identify(process.pid)?.start_time ?? '', answered: true },
    });
    expect(await managedStatus(place.home, service)).toMatchObject({ status: 'ready', pid });
    expect((await startManagedServer(place.home, service)).pid).toBe(pid);
  });

  test('status follows the real process: stopped, frozen, killed', async () => {
    await stopManagedServer(place.home, service);
    expect((await managedStatus(place.home, service)).status).toBe('stopped');
    expect(place.processes()).toEqual([]);

    const { pid } = await startManagedServer(place.home, service);
    const identity = identify(pid) ?? { pid, start_time: '' };
    signalProcess(identity, 'SIGSTOP');
    expect((await managedStatus(place.home, service)).status).toBe('failed');
    signalProcess(identity, 'SIGCONT');
    expect((await managedStatus(place.home, service)).status).toBe('ready');

    signalProcess(identity, 'SIGTERM');
    await waitUntilGone(identity, 30_000);
    expect(await managedStatus(place.home, service)).toMatchObject({
      status: 'stopped',
      message: expect.stringContaining('from outside'),
    });
    const again = await startManagedServer(place.home, service);
    signalProcess(identify(again.pid) ?? identity, 'SIGKILL');
    await waitUntilGone(identify(again.pid) ?? identity, 30_000);
    expect((await managedStatus(place.home, service)).status).toBe('failed');
    await startManagedServer(place.home, service);
    expect((await managedStatus(place.home, service)).status).toBe('ready');
  });

  test('a stop that takes too long is said, kills nothing, and is seen as stopping', async () => {
    const { pid } = await managedStatus(place.home, service);
    const identity = identify(pid ?? 0) ?? { pid: 0, start_time: '' };
    signalProcess(identity, 'SIGSTOP');
    await expect(stopManagedServer(place.home, service, undefined, 200)).rejects.toMatchObject({ code: 'timeout' });
    expect((await managedStatus(place.home, service)).status).toBe('pending_stop');
    signalProcess(identity, 'SIGCONT');
    expect(await waitUntilGone(identity, 30_000)).toBe(true);
    expect((await managedStatus(place.home, service)).status).toBe('stopped');
    await startManagedServer(place.home, service);
  });

  test('keeps its port, and when that is taken says which one it has now', async () => {
    const layout = managedLayout(place.home, 'orders');
    const { port } = readServerFile(layout);
    await stopManagedServer(place.home, service);
    expect((await startManagedServer(place.home, service)).port).toBe(port);
    await stopManagedServer(place.home, service);

    const squatter: Server = createServer();
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
    const started = await startManagedServer(place.home, service);
    expect(started.port).not.toBe(port);
    expect(started.message).toContain(`Port ${port} was taken`);
    expect((await managedStatus(place.home, service)).message).toContain(`Port ${port} was taken`);
    await new Promise((resolve) => squatter.close(resolve));

    await stopManagedServer(place.home, service);
    expect(await startManagedServer(place.home, service)).toEqual({ pid: expect.any(Number), port: started.port });
    expect((await managedStatus(place.home, service)).message).toBeUndefined();
  });

  test('is withheld while a restore exchanges its data', async () => {
    const layout = managedLayout(place.home, 'orders');
    await stopManagedServer(place.home, service);
    writeFileSync(layout.journal, '{}');
    await expect(startManagedServer(place.home, service)).rejects.toMatchObject({ code: 'conflict' });
    expect((await managedStatus(place.home, service)).status).toBe('pending_modifying');
    rmSync(layout.journal);
    await startManagedServer(place.home, service);
  });

  test('a start that fails names the errors of the log, and leaves nothing running', async () => {
    const layout = managedLayout(place.home, 'orders');
    await stopManagedServer(place.home, service);
    const control = join(layout.data, 'aria_log_control');
    const whole = readFileSync(control);
    writeFileSync(control, Buffer.alloc(whole.length));
    await expect(startManagedServer(place.home, service)).rejects.toMatchObject({
      code: 'service_failed',
      message: expect.stringContaining('Aria'),
    });
    expect(place.processes()).toEqual([]);
    expect((await managedStatus(place.home, service)).status).toBe('failed');
    writeFileSync(control, whole);
    await startManagedServer(place.home, service);
  });

  test('a cancelled start leaves no server behind', async () => {
    await stopManagedServer(place.home, service);
    const cancel = new AbortController();
    const start = startManagedServer(place.home, service, cancel.signal);
    cancel.abort();
    await expect(start).rejects.toThrow();
    expect(place.processes()).toEqual([]);
    await startManagedServer(place.home, service);
  });
});

describe('creating', () => {
  test('two servers differ in port, server id and password', async () => {
    const [one, two] = [await managedService(place.home, 'one', false), await managedService(place.home, 'two', false)];
    const [a, b] = [one, two].map((s) => readServerFile(managedLayout(place.home, s.id)));
    expect(a?.port).not.toBe(b?.port);
    expect(a?.server_id).not.toBe(b?.server_id);
    const passwords = [one, two].map((s) => readFileSync(managedLayout(place.home, s.id).clientFile, 'utf8'));
    expect(passwords[0]).not.toBe(passwords[1]);
  });

  test('an interrupted creation is mended by the next call, a finished one is kept', async () => {
    const layout = managedLayout(place.home, 'half');
    // As a SIGKILL leaves it: the file of the server, half a data directory, and a tool that still writes there.
    mkdirSync(layout.unfinished, { recursive: true });
    writeFileSync(join(layout.unfinished, 'ibdata1'), 'half');
    const orphan = execa('sleep', ['600'], { env: { SKB_DIRECTORY: layout.unfinished }, reject: false });
    const first = await createManagedServer(place.home, 'half');
    expect((await orphan).signal).toBe('SIGKILL');
    expect(first.created).toBe(true);
    expect(existsSync(layout.unfinished)).toBe(false);
    const second = await createManagedServer(place.home, 'half');
    expect(second).toEqual({ ...first, created: false });
  });

  test('data that are not ours are not taken for a server', async () => {
    const layout = managedLayout(place.home, 'alien');
    mkdirSync(layout.data, { recursive: true });
    await expect(createManagedServer(place.home, 'alien')).rejects.toMatchObject({ code: 'unsupported_layout' });
  });

  test('a service id cannot reach outside the home', async () => {
    await expect(createManagedServer(place.home, '../evil')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a home with a long path gets its socket in a short folder', async () => {
    const home = homeOf({ SKYBACKUP_HOME: join(place.home.root, 'a-very-long-folder-name'.repeat(5)) });
    const service = await managedService(home, 'deep');
    const { socket } = readServerFile(managedLayout(home, 'deep'));
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    expect(socket.startsWith(tmpdir())).toBe(true);
    expect(await ask(service, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await stopManagedServer(home, service);
    rmSync(join(socket, '..'), { recursive: true, force: true });
  });
});
