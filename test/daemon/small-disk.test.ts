import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import type { Plan } from '../../src/contract/plans.ts';
import { startDaemon, type TestDaemon } from '../servers/daemon.ts';
import { temporaryHome } from '../servers/managed.ts';
import { type ManagedScene, managedScene, takeBackup } from './managed-scene.ts';

const mebibyte = 1024 * 1024;

// Small disks need a mount, and so root.
describe.runIf(process.getuid?.() === 0)('a restore on a disk that the replayed logs may fill', () => {
  const testHome = temporaryHome();
  /** The services' data lie on a disk of their own, whose size can be changed. */
  const { services } = testHome.home;
  let daemon: TestDaemon;
  let orders: ManagedScene;
  let backup: string;
  let wish: { service_id: string; id: string; before_gtid: string };
  const resize = (bytes: number): void => {
    execFileSync('mount', ['-o', `remount,size=${Math.ceil(bytes / mebibyte)}m`, services]);
  };

  beforeAll(async () => {
    mkdirSync(services, { mode: 0o711 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2g,mode=711', 'tmpfs', services]);
    daemon = await startDaemon({ home: testHome });
    orders = await managedScene(daemon, 'orders');
    await orders.sql('CREATE TABLE shop.large (id INT PRIMARY KEY AUTO_INCREMENT, v LONGBLOB);');
    backup = await takeBackup(daemon, 'orders');
    for (let log = 0; log < 5; log += 1) {
      await orders.sql(
        'USE shop; INSERT INTO large (v) SELECT REPEAT(RANDOM_BYTES(1024), 64) FROM seq_1_to_640; FLUSH BINARY LOGS;',
      );
    }
    await orders.sql('DROP TABLE shop.large; FLUSH BINARY LOGS;');
    const drop = (await orders.sql('SELECT @@gtid_binlog_pos')).split(',')[0] ?? '';
    wish = { service_id: 'orders', id: 'orders', before_gtid: drop };
    const archive = { backup_type: 'binarylog', schedule: 'once', service_id: 'orders' } as const;
    await daemon.ended((await daemon.api.createSchedule(archive)).job_id ?? 0);
  });
  afterAll(async () => {
    try {
      await daemon.stop();
      for (const pid of daemon.processes()) process.kill(pid, 'SIGKILL');
    } finally {
      // Lazily: the servers are just going.
      execFileSync('umount', ['--lazy', services]);
      await testHome.dispose();
    }
  });

  const planned = (request: Record<string, string> = wish): Promise<Plan> =>
    daemon.api.daemon.createPlan({ operation: 'restore_backup', arguments: request });

  async function carriedOut(plan: Plan): Promise<Job> {
    await daemon.api.daemon.approvePlan(plan.id, { channel: 'terminal', typed_id: 'orders' });
    const { service_id, id: backup_id, before_gtid } = wish;
    const { job_id } = await daemon.api.createRestore({ service_id, backup_id, before_gtid, plan_id: plan.id });
    return daemon.ended(job_id ?? 0);
  }

  it('is warned of in the plan and the job, ends as no_space with the figures, and leaves the target as it was', async () => {
    const { facts } = await planned({ service_id: 'orders', id: backup });
    expect(facts.warnings.join()).not.toContain('to be replayed');
    const { blocks, bfree, bsize } = statfsSync(services);
    // What is certain fits: the data, one log beside them, and 160 MiB for whatever their size.
    const certain = Math.ceil((facts.size_bytes ?? 0) * 1.05) + (45 + 160) * mebibyte;
    resize((blocks - bfree) * bsize + certain + 40 * mebibyte);
    const plan = await planned();
    const warning = expect.stringMatching(
      /binary logs to be replayed hold 2\d\d MiB, and how much of it the data keep is not known/,
    );
    expect(plan.facts.warnings).toContainEqual(warning);
    const job = await carriedOut(plan);
    expect(job).toMatchObject({
      status: 'Failed',
      error: { code: 'no_space', message: expect.stringMatching(/\d+ MiB of their \d+ MiB were, .* has \d+ MiB free/) },
      warnings: expect.arrayContaining([warning]),
    });
    expect(await orders.sql('SHOW TABLES FROM shop')).not.toContain('large');
    expect(await orders.sql('SELECT COUNT(*) > 0 FROM shop.orders')).toBe('1');
    expect(readdirSync(join(services, 'orders')).filter((name) => /staging|before-restore/.test(name))).toEqual([]);
  });

  it('works once there is room', async () => {
    resize(2048 * mebibyte);
    expect(await carriedOut(await planned())).toMatchObject({ status: 'Succeeded' });
    expect(await orders.sql('SELECT COUNT(*) FROM shop.large')).toBe('3200');
  });
});
