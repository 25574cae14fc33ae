import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSandbox, type Sandbox } from '../src/cli/demo/sandbox.ts';
import type { BackupApi } from '../src/client/backup-api.ts';
import { openBackupApi } from '../src/client/open.ts';
import { ensureDaemon } from '../src/client/start-daemon.ts';
import { version } from '../src/client/version.ts';
import type { BackupType } from '../src/contract/backups.ts';
import { classifyStatus } from '../src/contract/status.ts';
import { managedLayout } from '../src/engine/managed/layout.ts';
import { connect, type SqlConnection } from '../src/engine/mariadb/connect.ts';

/** The built daemon in a sandbox, with one managed service `bench`. */
export interface DaemonUnderTest {
  sandbox: Sandbox;
  api: BackupApi;
  service: string;
  /** The option file with the service's own account. */
  clientFile: string;
  datadir: string;
  connect(): Promise<SqlConnection>;
  /** Takes a backup, a full one unless told otherwise; its id, once it is published. */
  backup(type?: BackupType): Promise<string>;
  /** Restores it onto the service, to its own moment or that of a GTID position; resolves once the service is back. Answers the downtime that the daemon reports. */
  restore(backupId: string, gtid?: string): Promise<number>;
  /** Ends the backup that the daemon takes by itself after a restore: what is measured next would share the disk with it. */
  beQuiet(): Promise<void>;
  /** The highest resident memory of the daemon so far, in MiB. */
  peakMiB(): number;
  dispose(): Promise<void>;
}

/** How often we ask whether work has ended: short beside what is measured. */
const lookMs = 50;
const service = 'bench';

export async function startDaemon(): Promise<DaemonUnderTest> {
  const sandbox = createSandbox(process.env);
  const entry = join(resolve(import.meta.dirname, '..'), 'dist', 'skybackup.js');
  const { home } = sandbox.settings;
  const health = await ensureDaemon({ home, version, entry, env: sandbox.env });
  const api = openBackupApi(sandbox.settings);
  await api.daemon?.registerService(
    { id: service, control: { kind: 'managed' }, nightly: false },
    { deadlineMs: 120_000 },
  );
  const layout = managedLayout(home, service);

  async function untilEnded(look: () => Promise<{ status: string; message?: string | undefined }>): Promise<void> {
    for (;;) {
      const { status, message } = await look();
      const outcome = classifyStatus(status);
      if (outcome === 'failed') throw new Error(`${status}: ${message}`);
      if (outcome === 'done') return;
      await delay(lookMs);
    }
  }

  return {
    sandbox,
    api,
    service,
    clientFile: layout.clientFile,
    datadir: layout.data,
    connect: () => connect({ defaults_file: layout.clientFile }),
    async backup(type = 'full') {
      const schedule = await api.createSchedule({ service_id: service, backup_type: type, schedule: 'once' });
      const { job_id } = schedule;
      if (job_id === undefined || api.daemon === undefined) throw new Error('the daemon named no job');
      const { daemon } = api;
      let backupId: string | undefined;
      await untilEnded(async () => {
        const job = await daemon.getJob(job_id);
        backupId = job.backup_id;
        return job;
      });
      if (backupId === undefined) throw new Error('the job names no backup');
      return backupId;
    },
    async restore(backupId, gtid) {
      const moment = gtid === undefined ? {} : { gtid };
      const { id } = await api.createRestore({ service_id: service, backup_id: backupId, ...moment });
      let downtime: number | undefined;
      await untilEnded(async () => {
        const restore = await api.getRestore(id);
        downtime = restore.downtime_ms;
        return restore;
      });
      return downtime ?? Number.NaN;
    },
    async beQuiet() {
      for (;;) {
        const { items } = await api.listSchedules({ service_id: service, order: 'desc', page_size: 1 });
        const [newest] = items;
        if (newest?.after_restore === undefined) return;
        if (newest.job_id !== undefined) {
          await api.daemon?.cancelJob(newest.job_id);
          const ended = await api.daemon?.getJob(newest.job_id);
          if (ended === undefined || classifyStatus(ended.status) !== 'in_progress') return;
        }
        await delay(lookMs);
      }
    },
    peakMiB: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${health.pid}/status`, 'utf8'))?.[1]) / 1024,
    async dispose() {
      await api.close();
      await sandbox.dispose();
    },
  };
}

/** Adds about `megabytes` of rows, half of them random bytes, in steps that need little memory. */
export async function fill(sql: SqlConnection, megabytes: number, table = 'bulk'): Promise<void> {
  await sql.query('CREATE DATABASE IF NOT EXISTS bench');
  // The sequence tables belong to no database but want one to be selected.
  await sql.query('USE bench');
  await sql.query(
    `CREATE TABLE bench.${table} (id INT AUTO_INCREMENT PRIMARY KEY, pad VARBINARY(1024) NOT NULL) ENGINE=InnoDB`,
  );
  const rowsPerMegabyte = 950;
  for (let left = megabytes; left > 0; left -= 50) {
    const rows = Math.round(Math.min(left, 50) * rowsPerMegabyte);
    await sql.query(
      `INSERT INTO bench.${table} (pad) SELECT CONCAT(RANDOM_BYTES(512), REPEAT(MD5(seq), 16)) FROM seq_1_to_${rows}`,
    );
  }
}
