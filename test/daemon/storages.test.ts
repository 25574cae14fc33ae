import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeS3Credentials } from '../../src/contract/credentials.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startS3, type TestS3 } from '../servers/swift-s3.ts';
import { backupAfter, type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

let s3: TestS3;
let daemon: TestDaemon;
let orders: ManagedScene;
let credentials: string;
beforeAll(async () => {
  [s3, daemon] = await Promise.all([startS3(), startDaemon({ args: ['--agent-group', 'root'] })]);
  credentials = encodeS3Credentials(s3.credentials);
  orders = await managedScene(daemon, 'orders');
});
afterAll(async () => {
  await daemon.dispose();
  await s3.stop();
});

const path = (prefix: string) => `s3://${s3.bucket}/${prefix}` as const;
const objectsUnder = async (prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of s3.store({ prefix }).list('v1/')) keys.push(key);
  return keys;
};
const named = async (name: string) => (await daemon.api.listStorages()).find((storage) => storage.name === name);

async function take(request: {
  backup_type: 'full' | 'incremental' | 'binarylog' | 'dump';
  storage?: string;
}): Promise<string> {
  const { job_id = 0 } = await daemon.api.createSchedule({ ...request, schedule: 'once', service_id: 'orders' });
  const job = await daemon.ended(job_id);
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  return job.backup_id ?? '';
}

/** Replaces the data of orders by a backup, as an administrator. */
async function restore(id: string): Promise<void> {
  const { id: number, job_id = 0 } = await daemon.api.createRestore({ service_id: 'orders', backup_id: id });
  const job = await daemon.ended(job_id);
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  await backupAfter(daemon, number);
}

describe('a storage', () => {
  it('is tried out before it is registered, and what is wrong is named', async () => {
    const wrong = encodeS3Credentials({ ...s3.credentials, secret_access_key: 'another-secret-of-the-tests' });
    await expect(
      daemon.api.daemon.addStorage({ name: 'prod-s3', path: path('prod'), credentials: wrong }),
    ).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('SignatureDoesNotMatch'),
    });
    await expect(
      daemon.api.daemon.addStorage({ name: 'prod-s3', path: 's3://no-such-bucket-here', credentials }),
    ).rejects.toMatchObject({ message: expect.stringContaining('there is no such bucket') });
    expect((await daemon.api.listStorages()).map(({ name }) => name)).toEqual(['local']);
    expect(daemon.log()).not.toContain('another-secret-of-the-tests');
  });

  it('is registered with its credentials in a file of the daemon alone, and shown without them', async () => {
    const added = await daemon.api.daemon.addStorage({ name: 'prod-s3', path: path('prod'), credentials });
    expect(added).toMatchObject({ name: 'prod-s3', path: path('prod') });
    const file = join(daemon.home.storages, 'prod-s3.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(daemon.home.storages).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, 'utf8')).toContain(credentials);
    const shown = JSON.stringify(await daemon.request('GET', '/skybackup/v1/storages'));
    expect(shown).toContain('"has_credentials":true');
    expect(shown).not.toContain(credentials);
    expect(await daemon.api.daemon.checkStorage('prod-s3')).toMatchObject({ name: 'prod-s3' });
    await expect(
      daemon.api.daemon.addStorage({ name: 'prod-s3', path: path('other'), credentials }),
    ).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(
      daemon.api.daemon.addStorage({ name: 'twice', path: path('prod/'), credentials }),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('registered as storage "prod-s3" already'),
    });
  });

  it('may have a limit, which is in its file and in the list, and can be changed', async () => {
    const { daemon: asked } = daemon.api;
    await asked.addStorage({ name: 'slow', path: path('slow'), credentials, limit: '500kB/s' });
    expect(await named('slow')).toMatchObject({ limit: '500kB/s' });
    const file = () => JSON.parse(readFileSync(join(daemon.home.storages, 'slow.json'), 'utf8'));
    expect(file()).toMatchObject({ limit: '500kB/s' });
    await orders.sql('CREATE TABLE shop.noise (b VARBINARY(1024))');
    await orders.sql('USE shop; INSERT INTO noise SELECT RANDOM_BYTES(1024) FROM seq_1_to_1500');
    const timed = async (): Promise<number> => {
      const since = performance.now();
      await take({ backup_type: 'dump', storage: 'slow' });
      return performance.now() - since;
    };
    // Some 1.5 MB and more of random bytes.
    expect(await timed()).toBeGreaterThan(2500);
    await asked.setStorageLimit('slow', '1 GB/s');
    expect(await named('slow')).toMatchObject({ limit: '1 GB/s' });
    await asked.setStorageLimit('slow', null);
    expect(file()).not.toHaveProperty('limit');
    for (const wrong of ['50', '50MB', '1kB/s', 'fast']) {
      await expect(asked.setStorageLimit('slow', wrong)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await expect(asked.setStorageLimit('local', '50MB/s')).rejects.toMatchObject({ code: 'invalid_request' });
    await orders.sql('DROP TABLE shop.noise');
  });

  it('takes backups of every type, and each is restored from it', async () => {
    await daemon.api.daemon.setStorageDefault('prod-s3', ['orders']);
    const full = await takeBackup(daemon, 'orders');
    await orders.sql('CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1); DO SLEEP(1.1);');
    const incremental = await take({ backup_type: 'incremental' });
    const sums = await orders.checksums();
    expect(await daemon.api.getBackup(incremental)).toMatchObject({
      storage: 'prod-s3',
      is_external_storage: true,
      reference_full_backup: full,
    });
    expect(await objectsUnder('prod')).toHaveLength(4);
    const dump = await take({ backup_type: 'dump' });
    await orders.sql('DROP TABLE shop.t');
    await restore(incremental);
    expect(await orders.checksums()).toEqual(sums);
    await orders.sql('DROP TABLE shop.t');
    await restore(dump);
    expect(await orders.sql('SELECT COUNT(*) FROM shop.t')).toBe('1');
    const verified = await daemon.api.daemon.verifyBackup(incremental);
    await daemon.ended(verified.job_id ?? 0);
    expect(await daemon.api.daemon.getVerification(verified.id)).toMatchObject({ status: 'Succeeded' });
  });

  it('is rolled forward through logs that lie in it, to the transaction', async () => {
    await orders.sql('INSERT INTO shop.t VALUES (2); INSERT INTO shop.t VALUES (3);');
    const last = (await orders.sql('SELECT @@gtid_binlog_pos')).trim();
    const sums = await orders.checksums();
    await orders.sql('DROP TABLE shop.t');
    const { id, job_id = 0 } = await daemon.api.createRestore({
      service_id: 'orders',
      backup_id: 'orders',
      gtid: last,
    });
    const job = await daemon.ended(job_id);
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
    expect(await orders.checksums()).toEqual(sums);
    await backupAfter(daemon, id);
    const logs = (await daemon.api.listBackups({ service_id: 'orders' })).items.filter(
      ({ type }) => type === 'binarylog',
    );
    expect(logs.map(({ storage }) => storage)).toContain('prod-s3');
  });

  it('is one place: an incremental builds on what lies in the same one', async () => {
    await expect(take({ backup_type: 'incremental', storage: 'local' })).rejects.toMatchObject({
      message: expect.stringContaining('no backup of its present data'),
    });
    const full = await take({ backup_type: 'full', storage: 'local' });
    const incremental = await take({ backup_type: 'incremental', storage: 'local' });
    expect(await daemon.api.getBackup(incremental)).toMatchObject({ storage: 'local', reference_full_backup: full });
  });

  it('loses the objects of a backup that is deleted', async () => {
    const dump = await take({ backup_type: 'dump' });
    await take({ backup_type: 'dump' });
    const before = await objectsUnder('prod');
    await daemon.api.daemon.deleteBackup(dump);
    const [hex = ''] = dump.split(':');
    const left = before.filter((key) => !key.includes(hex));
    expect(left).toHaveLength(before.length - 2);
    await expect.poll(() => objectsUnder('prod')).toEqual(left);
  });
});

describe('who may send backups where', () => {
  it('a place that is new to a service needs a plan; from then on it is none', async () => {
    await daemon.api.daemon.addStorage({ name: 'elsewhere', path: path('elsewhere'), credentials });
    const { key } = await daemon.api.daemon.createKey({ role: 'requester' });
    const headers = { 'x-api-key': key };
    const request = { service_id: 'orders', backup_type: 'dump', schedule: 'once', storage: 'elsewhere' };
    const ask = (query = '') => daemon.request('POST', `/skybackup/v1/backups/schedules${query}`, request, headers);
    expect(await ask()).toMatchObject({ status: 409, body: { errors: [{ error: 'plan_required' }] } });
    const { body: plan } = await daemon.request(
      'POST',
      '/skybackup/v1/plans',
      { operation: 'create_schedule', arguments: request },
      headers,
    );
    expect(plan.facts).toMatchObject({
      title: expect.stringContaining('for the first time'),
      confirm_id: 'orders',
      lost: [expect.stringContaining(`Whoever can read ${path('elsewhere')}`)],
    });
    expect(await ask(`?plan_id=${plan.id}`)).toMatchObject({ body: { errors: [{ error: 'plan_not_approved' }] } });
    await daemon.api.daemon.approvePlan(String(plan.id), { channel: 'terminal', typed_id: 'orders' });
    const { status, body } = await ask(`?plan_id=${plan.id}`);
    expect(status).toBe(200);
    expect((await daemon.ended(Number(body.job_id))).status).toBe('Succeeded');
    expect((await ask()).status).toBe(200);
    expect(await named('elsewhere')).toMatchObject({ services: ['orders'] });
  });

  it('credentials in a request are an administrator’s alone', async () => {
    const { key } = await daemon.api.daemon.createKey({ role: 'operator' });
    const request = {
      service_id: 'orders',
      backup_type: 'dump',
      schedule: 'once',
      external_storage: { bucket: { path: path('free'), credentials } },
    };
    expect(
      await daemon.request('POST', '/skybackup/v1/backups/schedules', request, { 'x-api-key': key }),
    ).toMatchObject({
      status: 403,
      body: { errors: [{ error: 'forbidden' }] },
    });
  });

  it('nobody but an administrator registers, changes or removes a storage', async () => {
    const { key } = await daemon.api.daemon.createKey({ role: 'requester' });
    const headers = { 'x-api-key': key };
    const base = '/skybackup/v1/storages';
    const add = { name: 'mine', path: path('mine'), credentials };
    expect((await daemon.request('POST', base, add, headers)).status).toBe(403);
    expect((await daemon.request('PATCH', `${base}/prod-s3`, { default_for: null }, headers)).status).toBe(403);
    expect((await daemon.request('DELETE', `${base}/prod-s3`, undefined, headers)).status).toBe(403);
    expect((await daemon.request('GET', base, undefined, headers)).status).toBe(200);
  });
});

describe('the bucket of a request', () => {
  it('takes the backup as the documentation asks for it, also with the line ends as it writes them', async () => {
    const { access_key_id, secret_access_key, region, endpoint_url } = s3.credentials;
    const literal = `[default]\\naws_access_key_id = ${access_key_id}\\naws_secret_access_key = ${secret_access_key}\\nregion = ${region}\\nendpoint_url = ${endpoint_url}`;
    const bucket = { path: path('own-bucket'), credentials: Buffer.from(literal).toString('base64') };
    const request = { backup_type: 'full', schedule: 'once', service_id: 'orders', external_storage: { bucket } };
    const { status, body } = await daemon.request('POST', '/skybackup/v1/backups/schedules', request);
    expect(status).toBe(200);
    const job = await daemon.ended(Number(body.job_id));
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
    const sums = await orders.checksums();
    expect(await objectsUnder('own-bucket')).toHaveLength(2);
    await orders.sql('DROP TABLE shop.t');
    await restore(job.backup_id ?? '');
    expect(await orders.checksums()).toEqual(sums);
    expect(daemon.log()).not.toContain(secret_access_key);
  });
});

describe('a repository in a bucket is whole by itself', () => {
  it('is found again with all others after the state is lost', async () => {
    const before = (await daemon.api.listBackups({ status: 'Succeeded', page_size: 100 })).items
      .map(({ id }) => id)
      .sort();
    await daemon.stop();
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${daemon.home.state}${suffix}`, { force: true });
    daemon = await daemon.restart();
    const after = await daemon.api.listBackups({ status: 'Succeeded', page_size: 100 });
    expect(after.items.map(({ id }) => id).sort()).toEqual(before);
    expect(new Set(after.items.map(({ storage }) => storage))).toContain('prod-s3');
  });

  it('serves a daemon elsewhere: it lists the backups and makes a new service of one', async () => {
    const other = await startDaemon();
    try {
      await other.api.daemon.addStorage({ name: 'theirs', path: path('prod'), credentials });
      await expect.poll(async () => (await other.api.listBackups()).count).toBeGreaterThan(3);
      const { items } = await other.api.listBackups({ status: 'Succeeded' });
      const full = items.find(({ type }) => type === 'full');
      const request = { service_id: 'copy', backup_id: full?.id ?? '', target: 'new' } as const;
      const { job_id = 0 } = await other.api.createRestore(request);
      const job = await other.ended(job_id);
      expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
    } finally {
      await other.dispose();
    }
  });

  it('is taken off the list with its backups, which stay, and are listed again with it', async () => {
    const count = (await daemon.api.listBackups()).count;
    const { backups = 0 } = (await named('elsewhere')) ?? {};
    expect(backups).toBeGreaterThan(0);
    await daemon.api.daemon.removeStorage('elsewhere');
    expect((await daemon.api.listBackups()).count).toBe(count - backups);
    expect(await objectsUnder('elsewhere')).toHaveLength(2 * backups);
    await daemon.api.daemon.addStorage({ name: 'again', path: path('elsewhere'), credentials });
    await expect.poll(async () => (await daemon.api.listBackups()).count).toBe(count);
    await expect(daemon.api.daemon.removeStorage('prod-s3')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('default of orders'),
    });
  });

  it('that is out of reach keeps no daemon from serving what it can', async () => {
    await s3.kill();
    await daemon.stop();
    daemon = await daemon.restart();
    expect((await daemon.api.listBackups()).count).toBeGreaterThan(3);
    // The state was lost, and with it what was registered.
    await daemon.api.daemon.registerService({ id: 'orders', control: { kind: 'managed' }, nightly: false });
    const local = await take({ backup_type: 'dump', storage: 'local' });
    expect(await daemon.api.getBackup(local)).toMatchObject({ status: 'Succeeded', storage: 'local' });
    await expect.poll(async () => (await named('prod-s3'))?.trouble, { timeout: 90_000 }).toContain('could not be');
    await s3.up();
  }, 180_000);
});
