import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLocalDaemonPossible } from '../../src/client/daemon-home.ts';
import { httpBackupApi } from '../../src/client/http-backup-api.ts';
import { localHttp } from '../../src/client/local-http.ts';
import { daemonHealth, ensureDaemon, type LocalDaemon } from '../../src/client/start-daemon.ts';
import { SkybackupError } from '../../src/contract/errors.ts';
import { contractRevision } from '../../src/contract/health.ts';
import { type Home, homeOf } from '../../src/contract/home.ts';
import { registerSecret } from '../../src/contract/redact.ts';
import type { Behaviour } from '../doubles/small-daemon.ts';
import { failure } from '../failure.ts';

const entry = fileURLToPath(new URL('../doubles/small-daemon.ts', import.meta.url));
let home: Home;
let local: LocalDaemon;

beforeEach(() => {
  home = homeOf({ SKYBACKUP_HOME: mkdtempSync(join(tmpdir(), 'skb-')) });
  local = {
    home,
    version: '1.2.3',
    entry,
    env: { PATH: '/somewhere', HOME: '/h', SKYSQL_API_KEY: 'not-for-daemons' },
    startMs: 50_000,
  };
  behave({});
});

afterEach(() => {
  for (const pid of startedPids()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  // One that was killed this moment may have been writing.
  rmSync(home.root, { recursive: true, force: true, maxRetries: 10 });
});

function behave(behaviour: Partial<Behaviour>): void {
  const usual: Behaviour = { version: '1.2.3', contract: contractRevision, startedBy: 'client', idle: true };
  writeFileSync(join(home.root, 'behaviour.json'), JSON.stringify({ ...usual, ...behaviour }));
}

function startedPids(): number[] {
  if (!existsSync(home.root)) return [];
  return readdirSync(home.root).flatMap((name) => /^started-(\d+)\.json$/.exec(name)?.slice(1).map(Number) ?? []);
}

describe('finding and starting', () => {
  test('it is started detached, in its own folder, with its own log and without the keys of a cloud', async () => {
    const health = await ensureDaemon(local);
    const started = JSON.parse(readFileSync(join(home.root, `started-${health.pid}.json`), 'utf8'));
    expect(started.argv).toEqual(['serve', '--started-by', 'client']);
    expect(started.cwd).toBe(home.root);
    expect(started.env).toMatchObject({ HOME: '/h', SKYBACKUP_HOME: home.root });
    expect(started.env.PATH.split(':')).toEqual(expect.arrayContaining(['/somewhere', '/usr/sbin', '/usr/local/bin']));
    expect(started.env).not.toHaveProperty('SKYSQL_API_KEY');
    // Its own process group and session: a signal to the client's group does not reach it.
    const stat = readFileSync(`/proc/${health.pid}/stat`, 'utf8');
    const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    expect([group, session]).toEqual([String(health.pid), String(health.pid)]);
    expect(statSync(home.log).mode & 0o777).toBe(0o600);
  });

  test('a running one is used', async () => {
    const first = await ensureDaemon(local);
    expect((await ensureDaemon(local)).pid).toBe(first.pid);
    expect(startedPids()).toEqual([first.pid]);
  });

  test('several at once end with one', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => ensureDaemon(local)));
    expect(new Set(all.map(({ pid }) => pid)).size).toBe(1);
  });

  test('a socket that a killed daemon left is mended', async () => {
    const server = createServer().listen(home.socket);
    await new Promise((resolve) => server.once('listening', resolve));
    // Closing unlinks the path; renaming it first leaves a socket file nobody listens on.
    renameSync(home.socket, `${home.socket}.old`);
    await new Promise((resolve) => server.close(resolve));
    renameSync(`${home.socket}.old`, home.socket);
    expect(await daemonHealth(home)).toBeUndefined();
    expect((await ensureDaemon(local)).ok).toBe(true);
  });

  test('one that dies at its start is named with the end of its log, without secrets', async () => {
    registerSecret('hush-hush-secret');
    writeFileSync(home.log, 'an old line\n');
    behave({ dieSaying: 'first line\nhush-hush-secret is wrong' });
    const error = await failure(ensureDaemon(local));
    expect(error.code).toBe('daemon_failed');
    expect(error.message).toBe(
      'The local daemon ended at its start (code 1). Its log ends with:\nfirst line\n[redacted] is wrong',
    );
    expect(error.hint).toContain(home.log);
  });

  test('a large log is moved aside first', async () => {
    writeFileSync(home.log, Buffer.alloc(6 * 1024 * 1024, 'x'));
    await ensureDaemon(local);
    expect(statSync(`${home.log}.1`).size).toBe(6 * 1024 * 1024);
    expect(statSync(home.log).size).toBeLessThan(100_000);
  });
});

describe('the home folder', () => {
  test('it is made for its owner alone', async () => {
    const fresh = homeOf({ SKYBACKUP_HOME: join(home.root, 'a', 'b') });
    const error = await failure(ensureDaemon({ ...local, home: fresh }));
    // The double finds no behaviour there, which is all the same to this test.
    expect(error.code).toBe('daemon_failed');
    expect(statSync(fresh.root).mode & 0o777).toBe(0o700);
  });

  test('one that others may write in is refused with its mend', async () => {
    chmodSync(home.root, 0o777);
    expect(await failure(ensureDaemon(local))).toMatchObject({
      code: 'invalid_settings',
      hint: `Run: chmod 700 ${home.root}`,
    });
  });

  test('a file in its place is refused', async () => {
    const file = join(home.root, 'file');
    writeFileSync(file, '');
    expect((await failure(ensureDaemon({ ...local, home: homeOf({ SKYBACKUP_HOME: file }) }))).code).toBe(
      'invalid_settings',
    );
  });

  test('a path that is too long for a socket is refused before anything is made', async () => {
    const long = homeOf({ SKYBACKUP_HOME: join(home.root, 'x'.repeat(100)) });
    const error = await failure(ensureDaemon({ ...local, home: long }));
    expect(error).toMatchObject({ code: 'invalid_settings', hint: 'Set SKYBACKUP_HOME to a shorter path.' });
    expect(existsSync(long.root)).toBe(false);
    const fits = (bytes: number) => (): void =>
      checkLocalDaemonPossible({ ...home, socket: `/${'s'.repeat(bytes - 1)}` }, 'linux');
    expect(fits(107)).not.toThrow();
    expect(fits(108)).toThrow(SkybackupError);
  });

  test('on Windows the alternatives are named', () => {
    expect(() => checkLocalDaemonPossible(home, 'win32')).toThrow(
      expect.objectContaining({ code: 'unsupported', hint: expect.stringMatching(/SKYSQL_API_KEY.*SKYBACKUP_URL/) }),
    );
  });
});

describe('another version', () => {
  test('an idle older daemon of a client makes room for this version', async () => {
    behave({ version: '1.2.2' });
    const old = await ensureDaemon({ ...local, version: '1.2.2' });
    behave({ version: '1.2.3' });
    const next = await ensureDaemon(local);
    expect(next).toMatchObject({ version: '1.2.3' });
    expect(next.pid).not.toBe(old.pid);
  });

  test.each([
    ['busy', { idle: false }],
    ["a person's", { startedBy: 'person' as const }],
    ['newer', { version: '9.0.0' }],
  ])('one that is %s and speaks the same contract is used', async (_, behaviour) => {
    behave({ version: '1.0.0', ...behaviour });
    const first = await ensureDaemon(local);
    expect((await ensureDaemon(local)).pid).toBe(first.pid);
  });

  test.each([
    ['busy and older', { contract: contractRevision - 1, version: '1.0.0', idle: false }, 'busy'],
    [
      "a person's and older",
      { contract: contractRevision - 1, version: '1.0.0', startedBy: 'person' as const },
      'started by a person',
    ],
    ['newer', { contract: contractRevision + 1, version: '2.0.0' }, 'newer than this client'],
  ])('one that is %s and speaks another contract is refused by name', async (_, behaviour, why) => {
    behave(behaviour);
    const error = await failure(ensureDaemon(local));
    expect(error.code).toBe('version_skew');
    expect(error.message).toContain(`skybackup ${behaviour.version}`);
    expect(error.message).toContain(why);
  });
});

describe('calls to it', () => {
  const provider = {
    kind: 'daemon' as const,
    url: 'unix:',
    binding: '',
    capabilities: { jobs: true, plans: true, registerServices: true, undoRestores: true, retention: true },
  };

  test('nothing starts before the first call, and one that has gone is started again', async () => {
    const api = httpBackupApi(provider, localHttp(local), home);
    expect(startedPids()).toEqual([]);
    expect(await api.listServices()).toEqual([]);
    const first = await daemonHealth(home);
    // This double ends at any POST, without its lock.
    await api.setPower('s1', true);
    rmSync(home.lock);
    expect(await api.listServices()).toEqual([]);
    const second = await daemonHealth(home);
    expect(second?.pid).not.toBe(first?.pid);
    await api.close();
  });

  test('a caller that gives up leaves the start to the others', async () => {
    const http = localHttp(local);
    const abort = new AbortController();
    const path = '/provisioning/v1/services';
    const given = failure(http.request({ method: 'GET', path, signal: abort.signal }));
    const other = http.request({ method: 'GET', path });
    abort.abort();
    expect((await given).code).toBe('cancelled');
    expect((await other).body).toEqual([]);
    await http.close();
  });
});
