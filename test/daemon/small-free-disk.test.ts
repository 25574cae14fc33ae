import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeS3Credentials } from '../../src/contract/credentials.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { temporaryHome } from '../servers/managed.ts';
import { startS3, type TestS3 } from '../servers/swift-s3.ts';
import { type ManagedScene, managedScene } from './managed-scene.ts';

const mebibyte = 1024 * 1024;

// Small disks need a mount, and so root.
describe.runIf(process.getuid?.() === 0)('a database that is larger than the free disk', () => {
  const testHome = temporaryHome();
  /** The daemon's home with all in it, and its temporary files: everything that it can write to. */
  const { root } = testHome.home;
  let s3: TestS3;
  let daemon: TestDaemon;
  let orders: ManagedScene;

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2g,mode=711', 'tmpfs', root]);
    mkdirSync(join(root, 'tmp'));
    s3 = await startS3();
    daemon = await startDaemon({ home: testHome, env: { TMPDIR: join(root, 'tmp') } });
    const credentials = encodeS3Credentials(s3.credentials);
    await daemon.api.daemon.addStorage({ name: 'bucket', path: `s3://${s3.bucket}/prod`, credentials });
    orders = await managedScene(daemon, 'orders', 150);
    const { blocks, bfree, bsize } = statfsSync(root);
    const used = (blocks - bfree) * bsize;
    execFileSync('mount', ['-o', `remount,size=${Math.ceil(used / mebibyte) + 24}m`, root]);
  });
  afterAll(async () => {
    try {
      await daemon?.stop();
      for (const pid of daemon?.processes() ?? []) process.kill(pid, 'SIGKILL');
      await s3?.stop();
    } finally {
      // Lazily: the servers are just going.
      execFileSync('umount', ['--lazy', root]);
      await testHome.dispose();
    }
  });

  /** Of the daemon, in bytes. */
  const memory = (which: 'VmRSS' | 'VmHWM'): number => {
    const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
    return Number(new RegExp(`${which}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  };

  async function backup(storage: string): Promise<Job> {
    const request = { backup_type: 'full', schedule: 'once', service_id: 'orders', storage } as const;
    return daemon.ended((await daemon.api.createSchedule(request)).job_id ?? 0);
  }

  it('streams to a bucket, and little of it is in memory at a time; beside the data there is no room for it', async () => {
    const { bavail, bsize } = statfsSync(root);
    expect(bavail * bsize).toBeLessThan(30 * mebibyte);
    expect(await orders.sql('SELECT SUM(FILE_SIZE) > 140000000 FROM information_schema.INNODB_SYS_TABLESPACES')).toBe(
      '1',
    );
    expect(await backup('local')).toMatchObject({ status: 'Failed', error: { code: 'no_space' } });
    const before = memory('VmRSS');
    const job = await backup('bucket');
    expect(job, JSON.stringify(job.error)).toMatchObject({ status: 'Succeeded' });
    const stored = (await daemon.api.listStorages()).find(({ name }) => name === 'bucket')?.storage_bytes ?? 0;
    expect(stored).toBeGreaterThan(60_000_000);
    // What the daemon is from the source, with its compiler, is no measure: the benchmark has the built one's.
    expect(memory('VmHWM') - before).toBeLessThan(120 * mebibyte);
    const verified = await daemon.api.daemon.verifyBackup(job.backup_id ?? '', { quick: true });
    await daemon.ended(verified.job_id ?? 0);
    expect(await daemon.api.daemon.getVerification(verified.id)).toMatchObject({ status: 'Succeeded' });
  });
});
