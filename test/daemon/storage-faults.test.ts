import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeS3Credentials } from '../../src/contract/credentials.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { type DaemonOptions, startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { startS3, type TestS3 } from '../servers/swift-s3.ts';
import { type ManagedScene, managedScene } from './managed-scene.ts';

// Every transfer is slow on purpose.
vi.setConfig({ testTimeout: 180_000 });

/** When a server was started: one that goes on gives the same again. */
const startedAt =
  "SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'";
let s3: TestS3;
let daemon: TestDaemon;
let orders: ManagedScene;

async function start(options: DaemonOptions = {}): Promise<void> {
  daemon = await startDaemon(options);
  const path = `s3://${s3.bucket}/prod` as const;
  const credentials = encodeS3Credentials(s3.credentials);
  await daemon.api.daemon.addStorage({ name: 'bucket', path, credentials, limit: '8MB/s' });
  // Some 40 MB of it are stored: several parts, and several ranges.
  orders = await managedScene(daemon, 'orders', 80);
}

async function begin(): Promise<number> {
  const request = { backup_type: 'full', schedule: 'once', service_id: 'orders', storage: 'bucket' } as const;
  return (await daemon.api.createSchedule(request)).job_id ?? 0;
}

async function backup(): Promise<string> {
  const job = await daemon.ended(await begin());
  expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
  return job.backup_id ?? '';
}

async function restore(backup_id: string): Promise<number> {
  return (await daemon.api.createRestore({ service_id: 'orders', backup_id })).job_id ?? 0;
}

/** Once some of its bytes have moved, and not all. */
async function inTheMiddle(jobId: number): Promise<void> {
  for (;;) {
    const { status, phase = '', bytes = 0, total_bytes = 0 } = await daemon.api.daemon.getJob(jobId);
    expect(status, `${phase}: the job ended too early`).toBe('Running');
    if (/^(copying|materialising)$/.test(phase) && bytes > total_bytes / 4) return;
    await delay(20);
  }
}

const keys = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key } of s3.store({ prefix: 'prod' }).list('v1/')) found.push(key);
  return found;
};

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3?.stop());
afterEach(() => daemon?.dispose());

describe('the S3 server is killed in the middle and comes back', () => {
  beforeEach(() => start());

  it('of a backup, which goes on: it is whole, and nothing of it lies about', async () => {
    const job = await begin();
    await inTheMiddle(job);
    await s3.kill();
    await delay(2000);
    await s3.up();
    const { status, backup_id = '', error } = await daemon.ended(job);
    expect(status, JSON.stringify(error)).toBe('Succeeded');
    expect(await s3.uploads('prod/')).toEqual([]);
    const verified = await daemon.api.daemon.verifyBackup(backup_id);
    await daemon.ended(verified.job_id ?? 0);
    expect(await daemon.api.daemon.getVerification(verified.id)).toMatchObject({ status: 'Succeeded' });
  });

  it('of a restore, which goes on', async () => {
    const id = await backup();
    const sums = await orders.checksums();
    await orders.sql('DELETE FROM shop.bulk WHERE id > 10');
    const job = await restore(id);
    await inTheMiddle(job);
    await s3.kill();
    await delay(2000);
    await s3.up();
    expect(await daemon.ended(job)).toMatchObject({ status: 'Succeeded' });
    expect(await orders.checksums()).toEqual(sums);
  });
});

describe('the S3 server is killed in the middle and does not come back', () => {
  beforeEach(() => start({ sabotage: { act: 'impatience', at: '4' } }));
  const named: Partial<Job> = {
    status: 'Failed',
    error: { code: 'storage_failed', message: expect.stringContaining(`s3://`), hint: expect.any(String) },
  };

  it('of a backup: it fails by name, nothing is published, and the sweep leaves no part', async () => {
    const before = await keys();
    const job = await begin();
    await inTheMiddle(job);
    await s3.kill();
    const ended = await daemon.ended(job);
    await s3.up();
    expect(ended).toMatchObject(named);
    expect(ended.error?.message).toContain('could not be written');
    expect((await daemon.api.listBackups({ status: 'Succeeded' })).count).toBe(before.length / 2);
    expect(await keys()).toEqual(before);
    await s3.store({ prefix: 'prod' }).sweep(0, 'v1/');
    expect(await s3.uploads('prod/')).toEqual([]);
  });

  it('of a restore: it fails by name, and its target is as it was', async () => {
    const id = await backup();
    await orders.sql('DELETE FROM shop.bulk WHERE id > 10');
    const sums = await orders.checksums();
    const since = await orders.sql(startedAt);
    const job = await restore(id);
    await inTheMiddle(job);
    await s3.kill();
    const ended = await daemon.ended(job);
    await s3.up();
    expect(ended).toMatchObject(named);
    expect(ended.error?.message).toContain('could not be read');
    expect(await orders.checksums()).toEqual(sums);
    expect(await orders.sql(startedAt)).toBe(since);
    // It can be repeated once the storage is back.
    expect(await daemon.ended(await restore(id))).toMatchObject({ status: 'Succeeded' });
  });
});
