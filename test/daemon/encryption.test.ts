import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NewRestore } from '../../src/client/backup-api.ts';
import { encodeS3Credentials } from '../../src/contract/credentials.ts';
import type { Verification, VerifyRequest } from '../../src/contract/verifications.ts';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import { makeIdentity, type TestIdentity } from '../servers/age.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startS3, type TestS3 } from '../servers/swift-s3.ts';
import { importDump, imported, importGrants, register, remoteServer } from './import-scene.ts';
import { backupAfter, type ManagedScene, managedScene } from './managed-scene.ts';

let s3: TestS3;
let daemon: TestDaemon;
let orders: ManagedScene;
let folder: string;
/** The daily one, the one in the safe, and another's. */
let daily: TestIdentity;
let safe: TestIdentity;
let foreign: TestIdentity;
beforeAll(async () => {
  [s3, daemon] = await Promise.all([startS3(), startDaemon()]);
  orders = await managedScene(daemon, 'orders');
  folder = mkdtempSync(join(tmpdir(), 'skb-age-'));
  daily = await makeIdentity(folder, 'daily');
  safe = await makeIdentity(folder, 'safe');
  foreign = await makeIdentity(folder, 'foreign');
});
afterAll(async () => {
  await daemon.dispose();
  await s3.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Type = 'full' | 'incremental' | 'binarylog' | 'dump';

async function take(backup_type: Type): Promise<string> {
  const { job_id = 0 } = await daemon.api.createSchedule({ backup_type, schedule: 'once', service_id: 'orders' });
  const job = await daemon.ended(job_id);
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  return job.backup_id ?? '';
}

/** Replaces the data of orders, as an administrator; and the backup that follows on it. */
async function restore(request: NewRestore): Promise<void> {
  const { id, job_id = 0 } = await daemon.api.createRestore({ service_id: 'orders', ...request });
  const job = await daemon.ended(job_id);
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  await backupAfter(daemon, id);
}

/** Without the accounts: a replay of logs makes those of the moment anew. */
async function userTables(): Promise<Record<string, number | null>> {
  return Object.fromEntries(Object.entries(await orders.checksums()).filter(([name]) => !name.startsWith('mysql.')));
}

async function verified(id: string, checks: VerifyRequest = {}): Promise<Verification> {
  const started = await daemon.api.daemon.verifyBackup(id, checks);
  await daemon.ended(started.job_id ?? 0);
  return daemon.api.daemon.getVerification(started.id);
}

const folderOf = (id: string): string => join(daemon.home.repository, 'v1', 'orders', id.split(':')[0] ?? '');
const filesOf = (id: string): string[] => readdirSync(folderOf(id)).sort();
const manifestOf = (id: string) => JSON.parse(readFileSync(join(folderOf(id), 'manifest.json'), 'utf8'));
const recipientsOf = async (name: string) =>
  (await daemon.api.listStorages()).find((storage) => storage.name === name)?.recipients;
const encrypt = (...to: TestIdentity[]) =>
  daemon.api.daemon.setStorageRecipients(
    'local',
    to.map(({ recipient }) => recipient),
  );

/** Of every process of the daemon's: logs are not always read to their end. */
const programs = () => daemon.processes().map((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim());

let full: string;
let incremental: string;
let dump: string;
let sums: Awaited<ReturnType<ManagedScene['checksums']>>;

describe('recipients', () => {
  it('are tried out when they are set, and a secret that is given for one goes nowhere', async () => {
    const typo = `${daily.recipient.slice(0, -1)}${daily.recipient.endsWith('q') ? 'p' : 'q'}`;
    await expect(daemon.api.daemon.setStorageRecipients('local', [typo])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(typo),
    });
    const { status, body } = await daemon.request('PATCH', '/skybackup/v1/storages/local', {
      recipients: [daily.secret],
    });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).not.toContain(daily.secret.slice(0, 30));
    expect(await recipientsOf('local')).toBeUndefined();
  });

  it('are set of the local storage, and are shown', async () => {
    await encrypt(daily, safe);
    expect(await recipientsOf('local')).toEqual([daily.recipient, safe.recipient]);
    expect(statSync(join(daemon.home.storages, 'local.json')).mode & 0o777).toBe(0o600);
  });
});

describe('on a machine without an identity', () => {
  afterEach(() => foreign.takeFrom(daemon.home));

  it('backups of every type are encrypted', async () => {
    full = await take('full');
    await orders.sql('CREATE TABLE shop.t (id INT PRIMARY KEY); INSERT INTO shop.t VALUES (1); DO SLEEP(1.1);');
    incremental = await take('incremental');
    dump = await take('dump');
    sums = await orders.checksums();
    const logs = await take('binarylog');
    expect(filesOf(full)).toEqual(['data.xbstream.zst.age', 'manifest.json']);
    expect(filesOf(incremental)).toEqual(['data.xbstream.zst.age', 'manifest.json']);
    expect(filesOf(dump)).toEqual(['data.sql.zst.age', 'manifest.json']);
    expect(filesOf(logs).filter((name) => name !== 'manifest.json').length).toBeGreaterThan(0);
    for (const id of [full, incremental, dump, logs]) {
      expect(manifestOf(id).encryption).toEqual({ kind: 'age', recipients: [daily.recipient, safe.recipient] });
      for (const name of filesOf(id).filter((each) => each !== 'manifest.json')) {
        expect(name).toMatch(/\.zst\.age$/);
        expect(
          readFileSync(join(folderOf(id), name))
            .subarray(0, 22)
            .toString(),
        ).toBe('age-encryption.org/v1\n');
      }
    }
    // Of what mariadb-backup wrote, as ever.
    expect(manifestOf(full).disk_bytes).toBeGreaterThan(manifestOf(full).objects[0].bytes);
  });

  it('what is in them is known all the same, and their stored bytes can be verified', async () => {
    const contents = await daemon.request('GET', `/skybackup/v1/backups/${full}/contents`);
    expect(JSON.stringify(contents.body)).toContain('customers');
    expect(await verified(full, { quick: true })).toMatchObject({ status: 'Succeeded' });
  });

  it.each(['no identity', "another's identity"])(
    'with %s nothing is restored, and the answer names what is wanted',
    async (which) => {
      if (which !== 'no identity') foreign.giveTo(daemon.home);
      const missing = {
        code: 'identity_missing',
        message: expect.stringContaining(`any one of ${daily.recipient}, ${safe.recipient}`),
        hint: expect.stringContaining('skybackup encryption add-identity'),
      };
      const before = await orders.checksums();
      for (const id of [full, incremental, dump]) {
        await expect(daemon.api.createRestore({ service_id: 'orders', backup_id: id })).rejects.toMatchObject(missing);
        const plan = { operation: 'restore_backup' as const, arguments: { service_id: 'orders', id } };
        await expect(daemon.api.daemon.createPlan(plan)).rejects.toMatchObject(missing);
        await expect(daemon.api.createRestore({ target: 'new', backup_id: id })).rejects.toMatchObject(missing);
      }
      const last = (await orders.sql('SELECT @@gtid_binlog_pos')).trim();
      await expect(
        daemon.api.createRestore({ service_id: 'orders', backup_id: 'orders', gtid: last }),
      ).rejects.toMatchObject(missing);
      const verification = await verified(incremental);
      expect(verification.status).toBe('Failed');
      expect(verification.message).toContain(daily.recipient);
      expect((await daemon.api.listRestores()).items).toEqual([]);
      expect(await orders.checksums()).toEqual(before);
    },
  );

  it('a drill says when it is set up that it will fail', async () => {
    const drill = { service_id: 'orders', backup_type: 'drill' as const, schedule: '0 4 * * 0' };
    expect((await daemon.api.createSchedule(drill)).warnings).toContainEqual(
      expect.stringContaining('this machine has no identity that opens them'),
    );
    expect((await daemon.api.createSchedule({ ...drill, checks: { quick: true } })).warnings ?? []).toEqual([]);
  });
});

describe('with either identity', () => {
  it('of the safe: verified, restored, rolled forward, and made a new service', async () => {
    safe.giveTo(daemon.home);
    expect(await verified(incremental, { row_counts: true })).toMatchObject({ status: 'Succeeded' });
    expect(await verified(full, { point_in_time: 'newest' })).toMatchObject({ status: 'Succeeded' });
    await orders.sql('INSERT INTO shop.t VALUES (2); DO SLEEP(1.1);');
    const last = (await orders.sql('SELECT @@gtid_binlog_pos')).trim();
    const later = await userTables();
    await orders.sql('DROP TABLE shop.t');
    // Its newest logs are archived, encrypted, and read back on the way.
    await restore({ backup_id: 'orders', gtid: last });
    expect(await userTables()).toEqual(later);
    await restore({ backup_id: incremental });
    expect(await orders.checksums()).toEqual(sums);
    const made = await daemon.api.createRestore({ target: 'new', backup_id: dump, service_id: 'copy' });
    const job = await daemon.ended(made.job_id ?? 0);
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
    await expect.poll(programs).not.toContain('age');
    safe.takeFrom(daemon.home);
  });

  it('of every day: a dump is restored', async () => {
    daily.giveTo(daemon.home);
    await orders.sql('DROP TABLE shop.t');
    await restore({ backup_id: dump });
    expect(await orders.sql('SELECT GROUP_CONCAT(id) FROM shop.t')).toBe('1');
  });
});

it('an encrypted dump is imported into a running server, whose safety dump is encrypted too', async () => {
  await using remote = await remoteServer('CREATE DATABASE own; CREATE TABLE own.t (id INT PRIMARY KEY);');
  await remote.sql(importGrants);
  await register(daemon, 'remote', remote);
  const { started } = await importDump(daemon, 'remote', dump);
  const { restore: made } = await imported(daemon, started);
  expect(made).toMatchObject({ status: 'Succeeded' });
  expect(await remote.sql('SELECT id FROM shop.t')).toBe('1');
  const [safety = ''] = readdirSync(join(daemon.home.repository, 'v1', 'remote'));
  expect(readdirSync(join(daemon.home.repository, 'v1', 'remote', safety)).sort()).toEqual([
    'data.sql.zst.age',
    'manifest.json',
  ]);
});

describe('a chain whose recipients changed', () => {
  it('needs an identity for each of its members, and says which is missing', async () => {
    const root = await take('full');
    await orders.sql('INSERT INTO shop.t VALUES (7); DO SLEEP(1.1);');
    await encrypt(foreign);
    const mixed = await take('incremental');
    expect(manifestOf(mixed)).toMatchObject({ parent: root, encryption: { recipients: [foreign.recipient] } });
    const request = { service_id: 'orders', backup_id: mixed };
    await expect(daemon.api.createRestore(request)).rejects.toMatchObject({
      code: 'identity_missing',
      message: expect.stringMatching(new RegExp(`^Backup ${mixed} .*${foreign.recipient}`)),
    });
    foreign.giveTo(daemon.home);
    daily.takeFrom(daemon.home);
    await expect(daemon.api.createRestore(request)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`^Backup ${root} .*${daily.recipient}`)),
    });
    daily.giveTo(daemon.home);
    const before = await orders.checksums();
    await orders.sql('DROP TABLE shop.t');
    await restore({ backup_id: mixed });
    expect(await orders.checksums()).toEqual(before);
  });

  it('is encrypted no more once there are none', async () => {
    await encrypt();
    expect(await recipientsOf('local')).toBeUndefined();
    const plain = await take('full');
    expect(filesOf(plain)).toEqual(['data.xbstream.zst', 'manifest.json']);
    expect(manifestOf(plain).encryption).toBeNull();
    await encrypt(daily, safe);
  });
});

it('a damaged object is told as such, and not as a wrong identity', async () => {
  const data = join(folderOf(incremental), 'data.xbstream.zst.age');
  const file = await open(data, 'r+');
  await file.write(Buffer.from('damaged'), 0, 7, 1000);
  await file.close();
  expect((await verified(incremental)).message).toContain('is damaged');
  expect(await verified(incremental, { quick: true })).toMatchObject({ status: 'Failed' });
});

it('encrypted backups go to a bucket and come back, and a daemon that lost its state goes on encrypting', async () => {
  const storage = {
    name: 'prod-s3',
    path: `s3://${s3.bucket}/prod` as const,
    credentials: encodeS3Credentials(s3.credentials),
    default_for: ['orders'],
    recipients: [daily.recipient],
  };
  const typo = { ...storage, recipients: [`${daily.recipient.slice(0, -2)}zz`] };
  await expect(daemon.api.daemon.addStorage(typo)).rejects.toMatchObject({ code: 'invalid_request' });
  await daemon.api.daemon.addStorage(storage);
  const first = await take('full');
  await orders.sql('INSERT INTO shop.t VALUES (8); DO SLEEP(1.1);');
  const second = await take('incremental');
  const keys: string[] = [];
  const store = s3.store({ prefix: 'prod' });
  for await (const { key } of store.list('v1/')) keys.push(key);
  const objects = keys.filter((key) => !key.endsWith('/manifest.json'));
  expect(objects).toHaveLength(2);
  for (const key of objects) {
    expect(key).toMatch(/\/data\.xbstream\.zst\.age$/);
    expect((await buffer(await store.get(key, { start: 0, end: 20 }))).toString()).toBe('age-encryption.org/v1');
  }
  await daemon.stop();
  for (const name of readdirSync(daemon.home.root)) {
    if (name.startsWith('state.db')) rmSync(join(daemon.home.root, name));
  }
  const { log } = daemon;
  daemon = await daemon.restart();
  expect(await recipientsOf('local')).toEqual([daily.recipient, safe.recipient]);
  expect(await recipientsOf('prod-s3')).toEqual([daily.recipient]);
  await expect.poll(async () => (await daemon.api.getBackup(second)).reference_full_backup).toBe(first);
  const made = await daemon.api.createRestore({ target: 'new', backup_id: second, service_id: 'again' });
  const job = await daemon.ended(made.job_id ?? 0);
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  const client = [`--defaults-file=${daemon.home.services}/again/client.cnf`, '-N', '-e', 'SELECT MAX(id) FROM shop.t'];
  expect((await execa(findTool('mariadb'), client)).stdout).toBe('8');
  for (const { secret } of [daily, safe, foreign]) expect(log() + daemon.log()).not.toContain(secret.slice(0, 30));
});
