import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import type { Schedule } from '../../src/contract/schedules.ts';
import type { Connection } from '../../src/contract/services.ts';
import { findTool } from '../../src/engine/mariadb/tools.ts';
import type { TestDaemon } from '../servers/daemon.ts';
import { checksums } from '../servers/mariadbd.ts';
import { seedSql } from '../servers/seed.ts';

export interface ManagedScene {
  id: string;
  connection: Connection;
  sql(text: string): Promise<string>;
  checksums(): Promise<Record<string, number | null>>;
}

/** A managed service of the daemon, with sample data of every common kind. */
export async function managedScene(daemon: TestDaemon, id: string, megabytes = 0): Promise<ManagedScene> {
  const service = await daemon.api.daemon.registerService({ id, control: { kind: 'managed' }, nightly: false });
  const defaults = `${daemon.home.services}/${id}/client.cnf`;
  const connection: Connection = {
    ...(service.socket === undefined ? {} : { socket: service.socket }),
    defaults_file: defaults,
  };
  const scene: ManagedScene = {
    id,
    connection,
    async sql(text) {
      const client = [
        `--defaults-file=${defaults}`,
        '--default-character-set=utf8mb4',
        '--batch',
        '--skip-column-names',
      ];
      return (await execa(findTool('mariadb'), client, { input: text })).stdout;
    },
    checksums: () => checksums(connection),
  };
  await scene.sql(seedSql(megabytes));
  return scene;
}

export interface BackedUpScene extends ManagedScene {
  /** Of the data as they are now. */
  backup: string;
  backedUp: Record<string, number | null>;
}

/** The same with a full backup of it. */
export async function backedUpScene(daemon: TestDaemon, id: string): Promise<BackedUpScene> {
  const scene = await managedScene(daemon, id);
  const backup = await takeBackup(daemon, id);
  return { ...scene, backup, backedUp: await scene.checksums() };
}

/** Takes a full backup and waits for it; returns its id. */
export async function takeBackup(daemon: TestDaemon, serviceId: string): Promise<string> {
  const schedule = await daemon.api.createSchedule({ backup_type: 'full', schedule: 'once', service_id: serviceId });
  const job = await daemon.ended(schedule.job_id ?? 0);
  if (job.status !== 'Succeeded' || job.backup_id === undefined) {
    throw new Error(`the backup ended as ${job.status}: ${JSON.stringify(job.error)} ${daemon.log().slice(-3000)}`);
  }
  return job.backup_id;
}

/** The backup that the daemon takes by itself after a restore or undo, once it has ended. */
export async function backupAfter(daemon: TestDaemon, restoreId: number): Promise<Schedule> {
  for (;;) {
    const wanted = await daemon.backedUpAfter(restoreId);
    if (wanted === undefined) throw new Error(`no backup is to be taken after restore ${restoreId}`);
    if (wanted.next_run_at === undefined) return wanted;
    await delay(100);
  }
}

/** An approved plan for restoring a backup onto a service. */
export async function approvedRestorePlan(daemon: TestDaemon, serviceId: string, backupId: string): Promise<string> {
  const plans = daemon.api.daemon;
  const plan = await plans.createPlan({
    operation: 'restore_backup',
    arguments: { service_id: serviceId, id: backupId },
  });
  await plans.approvePlan(plan.id, { channel: 'terminal', typed_id: serviceId });
  return plan.id;
}
