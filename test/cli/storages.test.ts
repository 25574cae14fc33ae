import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CloudDouble, startCloudDouble } from '../doubles/cloud.ts';
import { type LocalDaemon, localDaemon } from '../mcp/local-daemon.ts';
import { startS3, type TestS3 } from '../servers/swift-s3.ts';
import { type CliOutcome, runCli } from './run-cli.ts';

let s3: TestS3;
let daemon: LocalDaemon;
let folder: string;
let secret: string;
beforeAll(async () => {
  [s3, daemon] = await Promise.all([startS3(), localDaemon()]);
  folder = mkdtempSync(join(tmpdir(), 'skb-storages-'));
  secret = s3.credentials.secret_access_key;
});
afterAll(async () => {
  await daemon.stop();
  await s3.stop();
  rmSync(folder, { recursive: true, force: true });
});

const path = (prefix: string): string => `s3://${s3.bucket}/${prefix}`;
const profile = (name: string, key = secret): string => {
  const { access_key_id, region, endpoint_url } = s3.credentials;
  const lines = [`aws_access_key_id = ${access_key_id}`, `aws_secret_access_key = ${key}`, `region = ${region}`];
  return `[${name}]\n${[...lines, `endpoint_url = ${endpoint_url}`].join('\n')}\n`;
};
function credentialsFile(text: string): string {
  const file = join(folder, `credentials-${Math.random().toString(36).slice(2)}`);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
async function storages(
  args: string[],
  env: Record<string, string> = { SKYBACKUP_HOME: daemon.home },
): Promise<CliOutcome> {
  const outcome = await runCli(['storages', ...args], { env, cwd: folder });
  // Whatever was asked, and however it ended.
  for (const hidden of [secret, Buffer.from(secret).toString('base64').slice(0, -4)]) {
    expect(outcome.stdout + outcome.stderr).not.toContain(hidden);
  }
  return outcome;
}
const listed = async (env?: Record<string, string>) =>
  (JSON.parse((await storages(['list', '--json'], env)).stdout) as { storages: Record<string, unknown>[] }).storages;

describe('storages add', () => {
  test('a bucket, with the [default] profile of a file as of ~/.aws/credentials, and says what it found', async () => {
    const file = credentialsFile(
      `${profile('old', 'a-void-secret')}\n${profile('default')}\n${profile('other', 'a-void-secret')}`,
    );
    const { code, stdout, stderr } = await storages([
      'add',
      'prod-s3',
      '--path',
      path('prod'),
      '--credentials-file',
      file,
    ]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('Trying it out') });
    expect(stdout).toContain(
      `Storage prod-s3 is registered: ${path('prod')}. It was written to, read back and emptied again.`,
    );
    // What this server does otherwise than most.
    expect(stdout).toContain('no two daemons should write to the same place');
    expect(stdout).toContain('skybackup storages default prod-s3 --all');
    // Of the other profiles nothing is kept.
    const kept = JSON.parse(readFileSync(join(daemon.home, 'storages', 'prod-s3.json'), 'utf8')) as {
      credentials: string;
    };
    expect(Buffer.from(kept.credentials, 'base64').toString()).not.toContain('a-void-secret');
  });

  test('a bucket with the profile that is named, or the only one; never one of several by chance', async () => {
    const two = credentialsFile(`${profile('old', 'a-void-secret')}\n[profile backups]${profile('x').slice(3)}`);
    const add = (name: string, file: string, more: string[] = []) =>
      storages(['add', name, '--path', path(name), '--credentials-file', file, '--json', ...more]);
    const unclear = await add('two', two);
    expect(unclear).toMatchObject({ code: 1, stderr: expect.stringContaining('several profiles') });
    expect(await add('two', two, ['--profile', 'nosuch'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no profile [nosuch]'),
    });
    const named = await add('two', two, ['--profile', 'backups']);
    expect(JSON.parse(named.stdout)).toMatchObject({ name: 'two', path: path('two'), remarks: expect.any(Array) });
    expect((await add('only', credentialsFile(profile('backups')))).code).toBe(0);
  });

  test('a folder, by its path as people write it', async () => {
    const { code, stdout } = await storages(['add', 'disk', '--path', 'backups', '--default-for', 'orders', 'shop']);
    expect(code).toBe(0);
    expect(stdout).toContain(`file://${folder}/backups`);
    expect(stdout).toContain('From now on the backups of orders, shop go there.');
  });

  test.each([
    [['--path', 's3://bucket/x', '--credentials-file', '/no/such/file'], 2, '/no/such/file cannot be read (ENOENT)'],
    [['--path', 'x', '--default', '--default-for', 'orders'], 2, 'not both'],
    [['--path', 'x', '--profile', 'x'], 2, '--credentials-file'],
    [['--path', 'x', '--object-lock', 'governance'], 2, 'together'],
    [['--path', 'x', '--object-lock', 'forever', '--lock-days', '3'], 1, 'object_lock'],
    [['--path', 'http://bucket/x'], 1, 'path'],
    [[], 2, '--path'],
  ])('%j is refused', async (args, code, words) => {
    const before = await listed();
    expect(await storages(['add', 'refused', ...args])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(words),
    });
    expect(await listed()).toEqual(before);
  });

  test('a name that cannot be, a bucket with a wrong key, and a bucket that locks nothing are refused by their reason', async () => {
    expect((await storages(['add', 'local', '--path', 'x'])).stderr).toContain('must not be "local"');
    const wrong = credentialsFile(profile('default', 'a-wrong-secret-of-the-tests'));
    const refused = await storages(['add', 'wrong', '--path', path('wrong'), '--credentials-file', wrong]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('SignatureDoesNotMatch') });
    expect(refused.stderr).not.toContain('a-wrong-secret-of-the-tests');
    const file = credentialsFile(profile('default'));
    const lock = ['--object-lock', 'governance', '--lock-days', '30'];
    expect(
      await storages(['add', 'locked', '--path', path('locked'), '--credentials-file', file, ...lock]),
    ).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no object lock'),
    });
  });
});

describe('storages', () => {
  test('list, for people and as JSON', async () => {
    const { code, stdout } = await storages(['list']);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^NAME +PATH +DEFAULT FOR +LIMIT +BACKUPS +SIZE +ENCRYPTED TO +TROUBLE/);
    expect(stdout).toMatch(/^local +file:/m);
    expect(stdout).toMatch(/^disk +file:.* orders, shop +- +0 /m);
    expect(await listed()).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'prod-s3', has_credentials: true })]),
    );
  });

  test('check says that it is well, what it does otherwise than most, or why it is not', async () => {
    expect((await storages(['check', 'prod-s3'])).stdout).toContain(`Storage prod-s3 is well: ${path('prod')}`);
    expect(JSON.parse((await storages(['check', 'disk', '--json'])).stdout)).toMatchObject({
      name: 'disk',
      remarks: [],
    });
    expect(await storages(['check', 'nosuch'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There are: local, '),
    });
  });

  test('default is of services, of all, or of none', async () => {
    expect((await storages(['default', 'prod-s3', 'orders'])).stdout).toContain('the default of orders now');
    expect(await listed()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'disk', default_for: ['shop'] }),
        expect.objectContaining({ name: 'prod-s3', default_for: ['orders'] }),
      ]),
    );
    expect(JSON.parse((await storages(['default', 'prod-s3', '--all', '--json'])).stdout)).toEqual({
      name: 'prod-s3',
      default_for: 'all',
    });
    for (const args of [[], ['orders', '--all'], ['--all', '--none']]) {
      expect(await storages(['default', 'prod-s3', ...args])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('Name services'),
      });
    }
    expect((await storages(['default', 'local', '--all'])).code).toBe(1);
  });

  test('remove takes one off the list that is nobody’s default', async () => {
    expect(await storages(['remove', 'prod-s3'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('default of all services'),
    });
    expect(JSON.parse((await storages(['default', 'prod-s3', '--none', '--json'])).stdout)).toEqual({
      name: 'prod-s3',
      default_for: null,
    });
    expect((await storages(['remove', 'prod-s3'])).stdout).toContain('off the list');
    expect((await listed()).map(({ name }) => name)).not.toContain('prod-s3');
    expect((await storages(['remove', 'local'])).stderr).toContain('stays');
  });
});

test('doctor tries every storage out, and names one that fails with its mend', async () => {
  const file = join(daemon.home, 'storages', 'two.json');
  const doctor = async () =>
    JSON.parse((await runCli(['doctor', '--json'], { env: { SKYBACKUP_HOME: daemon.home } })).stdout).findings as {
      check: string;
      status: string;
      message: string;
    }[];
  expect(await doctor()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ check: 'storage disk', status: 'ok' }),
      expect.objectContaining({ check: 'storage two', status: 'ok', message: expect.stringContaining(path('two')) }),
      expect.objectContaining({
        check: 'storage two',
        status: 'warning',
        message: expect.stringContaining('no two daemons'),
      }),
    ]),
  );
  rmSync(join(folder, 'backups'), { recursive: true });
  writeFileSync(join(folder, 'backups'), 'no folder any more');
  expect(await doctor()).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ check: 'storage disk', status: 'failed', mend: expect.any(String) }),
    ]),
  );
  expect(readFileSync(file, 'utf8')).toContain('"two"');
});

describe('with the settings of the cloud', () => {
  let cloud: CloudDouble;
  let home: string;
  const env = (): Record<string, string> => ({
    SKYBACKUP_HOME: home,
    SKYSQL_API_KEY: cloud.key,
    SKYSQL_API_URL: cloud.url,
  });
  beforeAll(async () => {
    cloud = await startCloudDouble();
    home = mkdtempSync(join(tmpdir(), 'skb-cloud-storages-'));
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('they are files of this machine, tried out from here, and no daemon is started', async () => {
    expect((await storages(['list'], env())).stdout).toContain('No storage is registered');
    const file = credentialsFile(profile('default'));
    const added = await storages(['add', 'prod', '--path', path('cloud'), '--credentials-file', file], env());
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('no two daemons should write') });
    expect(await storages(['add', 'prod', '--path', path('other'), '--credentials-file', file], env())).toMatchObject({
      code: 1,
    });
    expect(
      (await storages(['add', 'twice', '--path', `${path('cloud')}/`, '--credentials-file', file], env())).stderr,
    ).toContain('registered as storage "prod"');
    expect(await listed(env())).toEqual([
      expect.objectContaining({ name: 'prod', has_credentials: true, services: [] }),
    ]);
    expect((await storages(['check', 'prod'], env())).stdout).toContain('is well');
    const doctor = await runCli(['doctor'], { env: env() });
    expect(doctor.stdout).toContain('✓ storage prod');
    expect((await storages(['remove', 'prod'], env())).code).toBe(0);
    expect(await listed(env())).toEqual([]);
    expect((await storages(['remove', 'prod'], env())).stderr).toContain('no storage "prod"');
    expect(cloud.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test.each([
    [['add', 'disk', '--path', '/tmp/x'], 'A folder of this machine is no place'],
    [['add', 'prod', '--path', 's3://b/x', '--default'], 'own storage where none is named'],
    [['add', 'prod', '--path', 's3://b/x', '--object-lock', 'compliance', '--lock-days', '3'], 'knows no lock'],
    [['default', 'prod', '--all'], 'own storage where none is named'],
  ])('%j is refused by name', async (args, words) => {
    expect(await storages(args, env())).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(words) });
  });

  test('one that a daemon of this home may need is not removed behind its back', async () => {
    const both = { ...env(), SKYBACKUP_HOME: daemon.home };
    expect(await storages(['remove', 'two'], both)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('env -u SKYSQL_API_KEY'),
    });
  });
});
