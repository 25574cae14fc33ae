import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { daemonHealth } from '../../src/client/start-daemon.ts';
import { type TestHome, temporaryHome } from '../servers/managed.ts';
import { type CliOptions, type CliOutcome, cleanEnvironment, entry, runCli } from './run-cli.ts';

let shared: TestHome;
const cli = (args: string[], options: CliOptions = {}): Promise<CliOutcome> =>
  runCli(args, { ...options, env: { SKYBACKUP_HOME: shared.home.root, ...options.env } });
const json = async (args: string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await cli([...args, '--json'])).stdout);
const sql = (text: string): Promise<CliOutcome> => cli(['services', 'connect', 'shop', '--', '-N', '-e', text]);

beforeAll(async () => {
  shared = temporaryHome();
  const added = await cli(['services', 'add', 'shop', '--managed']);
  expect(added.stderr).toBe('');
  expect(added.stdout).toMatch(/^Service shop is registered: ready, MariaDB 10\./);
  expect(added.stdout).toMatch(/Schedule \d+ takes a full backup: .* \(UTC\)\./);
});
afterAll(() => shared.dispose());

/** Follows what a tool started until it ended. */
async function waitFor(started: Record<string, unknown>): Promise<Record<string, unknown>> {
  for (;;) {
    const state = await json(['call', 'wait_for', JSON.stringify(started.wait_for)]);
    if (state.finished === true) return state;
  }
}

describe('services', () => {
  test('the list shows what runs', async () => {
    expect((await cli(['services', 'list'])).stdout).toMatch(/^shop +shop +ready +10\.\S+ +managed/m);
  });

  test('connect is the client on it, with its exit code and without its password in sight', async () => {
    expect(await sql('SELECT 6*7')).toEqual({ code: 0, stdout: '42\n', stderr: '' });
    expect(await cli(['services', 'connect', 'shop', '--', '-N'], { input: 'SELECT 1;\n' })).toMatchObject({
      stdout: '1\n',
    });
    expect(await sql('SELEKT')).toMatchObject({ code: 1, stderr: expect.stringContaining('You have an error') });
    expect(
      (await sql("SELECT info FROM information_schema.processlist WHERE info LIKE '%processlist%'")).stdout,
    ).toContain('SELECT');
    expect(await cli(['services', 'connect', 'nosuch'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no service nosuch'),
    });
  });

  test('stop and start wait until it is so', async () => {
    expect((await cli(['services', 'stop', 'shop'])).stdout).toBe('Service shop is stopped.\n');
    expect(await sql('SELECT 1')).toMatchObject({ code: 1 });
    const doctor = await cli(['doctor']);
    expect(doctor.stdout).toContain('→ Start it: skybackup services start shop');
    expect((await json(['services', 'start', 'shop'])).service).toMatchObject({ id: 'shop', status: 'ready' });
    expect((await sql('SELECT 1')).code).toBe(0);
  });

  test('an id that is taken, and a server that is not there, are told', async () => {
    expect(await cli(['services', 'add', 'shop', '--managed'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('already'),
    });
    const absent = ['services', 'add', 'other', '--socket', './nothing.sock', '--user', 'u'];
    const { code, stderr } = await cli(absent, { cwd: shared.home.root });
    expect(code).toBe(1);
    // The relative path became the full one.
    expect(stderr).toContain(join(shared.home.root, 'nothing.sock'));
  });
});

test('health is no alarm while the first backup is still to come', async () => {
  const { code, stdout } = await cli(['health', 'shop']);
  expect(stdout).toMatch(/^shop +WARNING +never backed up/m);
  expect(code).toBe(0);
});

describe('keys', () => {
  test('a new key comes alone on stdout, this once, and can be revoked', async () => {
    const created = await cli(['keys', 'create', '--role', 'viewer', '--name', 'dashboard']);
    expect(created.code).toBe(0);
    expect(created.stdout).toMatch(/^\S{20,}\n$/);
    expect(created.stderr).toContain('viewer');
    expect(created.stderr).not.toContain(created.stdout.trim());
    const keys = (await json(['keys', 'list'])).keys as { id: string; name: string; revoked_at?: string }[];
    const key = keys.find(({ name }) => name === 'dashboard');
    expect(JSON.stringify(keys)).not.toContain(created.stdout.trim());
    expect((await cli(['keys', 'revoke', key?.id ?? ''])).code).toBe(0);
    expect((await cli(['keys', 'list'])).stdout).toMatch(/dashboard .*20\d\d-.*20\d\d-/);
    expect((await cli(['keys', 'create', '--role', 'king'])).code).toBe(1);
  });
});

describe('doctor', () => {
  test('finds nothing amiss, and reads the repository back', async () => {
    const { code, stdout } = await cli(['doctor']);
    expect(stdout).toContain('Nothing stands in the way of backups.');
    expect(stdout).toContain('written, read and deleted');
    expect(stdout).toMatch(/✓ service shop: MariaDB 10\./);
    expect(code).toBe(0);
  });

  test('a home that others may write in fails, with its mend', async () => {
    chmodSync(shared.home.root, 0o777);
    try {
      const { code, stdout } = await cli(['doctor', '--json']);
      expect(code).toBe(1);
      expect(JSON.parse(stdout).findings).toContainEqual({
        check: 'home folder',
        status: 'failed',
        message: expect.stringContaining('Other users may write'),
        mend: `Run: chmod 700 ${shared.home.root}`,
      });
    } finally {
      chmodSync(shared.home.root, 0o700);
    }
  });
});

describe('a backup, a plan and a restore', () => {
  const restore = JSON.stringify({ service: 'shop', backup: 'latest' });
  const planned = async (): Promise<string> =>
    /[A-Z0-9]{4}-[A-Z0-9]{4}/.exec(String((await json(['call', 'restore_backup', restore])).approve_with))?.[0] ?? '';

  beforeAll(async () => {
    await sql('CREATE DATABASE d; CREATE TABLE d.t (n INT PRIMARY KEY); INSERT INTO d.t VALUES (1), (2)');
    const made = await waitFor(await json(['call', 'create_backup', '{"service":"shop"}']));
    expect(made.outcome).toBe('done');
    await sql('DELETE FROM d.t');
  });

  test('approved with a key of its own, it counts as another person', async () => {
    const code = await planned();
    const file = join(shared.home.root, 'approver.key');
    const { stdout: key } = await cli(['keys', 'create', '--role', 'administrator']);
    writeFileSync(file, key, { mode: 0o600 });
    const approved = await json(['approve', code, '--confirm', 'shop', '--key-file', file]);
    expect(approved.plan).toMatchObject({ code, status: 'approved', approved_by: 'approver_key' });
    expect(await cli(['approve', code, '--decline'])).toMatchObject({ code: 0 });
    expect((await sql('SELECT COUNT(*) FROM d.t')).stdout).toBe('0\n');
  });

  test('approved at the terminal, the repeated call brings the rows back', async () => {
    const code = await planned();
    expect((await cli(['plans', 'list'])).stdout).toMatch(new RegExp(`^${code} +pending`, 'm'));
    expect((await json(['approve', code, '--confirm', 'shop'])).plan).toMatchObject({ approved_by: 'terminal' });
    const restored = await waitFor(await json(['call', 'restore_backup', restore]));
    expect(restored.outcome).toBe('done');
    expect((await sql('SELECT COUNT(*) FROM d.t')).stdout).toBe('2\n');
  });
});

describe("the daemon's life", () => {
  test('several commands at once on a fresh home end with one daemon', async () => {
    await using fresh = temporaryHome();
    const env = { SKYBACKUP_HOME: fresh.home.root };
    const all = await Promise.all([1, 2, 3].map(() => runCli(['services', 'list'], { env })));
    expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(3).fill({ code: 0, stderr: '' }));
    const health = await daemonHealth(fresh.home);
    expect(health?.started_by).toBe('client');
    expect(fresh.processes().filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('serve'))).toEqual([
      health?.pid,
    ]);
  });

  test('one that was killed is replaced at the next command', async () => {
    const before = await daemonHealth(shared.home);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    expect((await cli(['services', 'list'])).stdout).toMatch(/^shop +shop +ready/m);
    expect((await daemonHealth(shared.home))?.pid).not.toBe(before?.pid);
  });

  test('it goes on when the program it was started from is cleaned away', async () => {
    await using fresh = temporaryHome();
    const env = { SKYBACKUP_HOME: fresh.home.root };
    const cache = join(fresh.home.root, 'cache');
    cpSync(dirname(entry), cache, { recursive: true });
    writeFileSync(join(cache, 'package.json'), '{"type":"module"}');
    const program = spawn(process.execPath, [join(cache, 'skybackup.js'), 'services', 'list'], {
      env: cleanEnvironment(env),
      stdio: 'ignore',
    });
    expect(await once(program, 'exit')).toEqual([0, null]);
    rmSync(cache, { recursive: true });
    const before = await daemonHealth(fresh.home);
    expect((await runCli(['services', 'add', 'kept', '--managed'], { env })).stderr).toBe('');
    const { stdout } = await runCli(['call', 'create_backup', '{"service":"kept"}', '--json'], { env });
    for (let state: Record<string, unknown> = {}; state.finished !== true; ) {
      const wait = ['call', 'wait_for', JSON.stringify(JSON.parse(stdout).wait_for), '--json'];
      state = JSON.parse((await runCli(wait, { env })).stdout);
      if (state.finished === true) expect(state.outcome).toBe('done');
    }
    // What it had not loaded by then, it still can load.
    const bucket = createServer((_request, response) => void response.writeHead(403).end()).listen(0, '127.0.0.1');
    await once(bucket, 'listening');
    const address = `endpoint_url = http://127.0.0.1:${(bucket.address() as AddressInfo).port}\nregion = us-east-1`;
    const credentials = join(fresh.home.root, 'credentials');
    writeFileSync(credentials, `[default]\naws_access_key_id = a\naws_secret_access_key = b\n${address}\n`);
    const s3 = ['storages', 'add', 'far', '--path', 's3://bucket/prefix', '--credentials-file', credentials];
    const { stderr } = await runCli(s3, { env });
    bucket.close();
    expect(stderr).toContain('the access key may not do that');
    expect((await daemonHealth(fresh.home))?.pid).toBe(before?.pid);
  });

  test('serve on a port wants a key, and ends on SIGTERM', async () => {
    await using fresh = temporaryHome();
    const env = { SKYBACKUP_HOME: fresh.home.root };
    const daemon = spawn(process.execPath, [entry, 'serve', '--listen', '127.0.0.1:0', '--json'], {
      env: cleanEnvironment(env),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    for await (const line of createInterface(daemon.stdout)) {
      text += line;
      if (line === '}') break;
    }
    const { http, socket } = JSON.parse(text);
    expect(socket).toBe(fresh.home.socket);
    const { stdout: key } = await runCli(['keys', 'create', '--role', 'viewer'], { env });
    const remote = { SKYBACKUP_URL: http, SKYBACKUP_API_KEY: key.trim() };
    expect(await runCli(['services', 'list', '--json'], { env: remote })).toMatchObject({ code: 0, stderr: '' });
    const wrong = await runCli(['services', 'list'], { env: { ...remote, SKYBACKUP_API_KEY: 'wrong-key' } });
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(await runCli(['keys', 'list'], { env: remote })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('administrator'),
    });
    expect(await runCli(['serve'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`pid ${daemon.pid}`),
    });
    const ended = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
