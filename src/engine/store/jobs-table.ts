import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { ErrorCode } from '../../contract/errors.ts';
import { jobStatuses } from '../../contract/status.ts';
import { optional, texts, time } from './rows.ts';
import { inTransaction } from './state-database.ts';

export const lanes = ['data', 'binlog', 'verify'] as const;
export type Lane = (typeof lanes)[number];

const JobError = z.object({ code: z.string(), message: z.string(), hint: z.string() });
export interface JobError {
  code: ErrorCode;
  message: string;
  hint: string;
}

const JobRow = z.object({
  id: z.number(),
  kind: z.string(),
  service_id: z.string(),
  lane: z.string(),
  status: z.enum(jobStatuses),
  phase: optional(z.string()),
  message: optional(z.string()),
  bytes: optional(z.number()),
  total_bytes: optional(z.number()),
  error: z
    .string()
    .nullable()
    .transform((text) => (text === null ? undefined : JobError.parse(JSON.parse(text)))),
  warnings: texts,
  schedule_id: optional(z.number()),
  backup_id: optional(z.string()),
  restore_id: optional(z.number()),
  fence: z.number(),
  created_at: time,
  started_at: optional(time),
  finished_at: optional(time),
});
export type JobRow = z.infer<typeof JobRow>;

export interface NewJob {
  kind: string;
  service_id: string;
  lanes: readonly Lane[];
  schedule_id?: number;
  backup_id?: string;
  restore_id?: number;
}

export interface JobProgress {
  phase?: string | undefined;
  message?: string | undefined;
  bytes?: number | undefined;
  total_bytes?: number | undefined;
}

export interface JobEnd {
  status: 'Succeeded' | 'Failed' | 'Cancelled';
  message: string;
  error?: JobError | undefined;
}

/** Work that was asked for. A lane of a service has at most one job that is Scheduled or Running; the database sees to it. */
export function jobsTable(db: DatabaseSync, now: () => number) {
  const fence = db.prepare(
    "UPDATE meta SET value = cast(cast(value AS INTEGER) + 1 AS TEXT) WHERE name = 'fence' RETURNING value",
  );
  const insert = db.prepare(
    `INSERT INTO jobs (kind, service_id, lane, status, schedule_id, backup_id, restore_id, fence, created_at)
     VALUES (?, ?, ?, 'Scheduled', ?, ?, ?, ?, ?) RETURNING *`,
  );
  const takeLane = db.prepare(
    'INSERT INTO job_lanes (job_id, service_id, lane, active) VALUES (?, ?, ?, 1) ON CONFLICT DO NOTHING',
  );
  const freeLanes = db.prepare('UPDATE job_lanes SET active = 0 WHERE job_id = ?');
  const one = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const remove = db.prepare('DELETE FROM jobs WHERE id = ?');
  const holder = db.prepare(
    `SELECT jobs.* FROM job_lanes JOIN jobs ON jobs.id = job_lanes.job_id
     WHERE job_lanes.service_id = ? AND job_lanes.active = 1 AND job_lanes.lane IN (SELECT value FROM json_each(?))
     ORDER BY jobs.id LIMIT 1`,
  );
  const start = db.prepare("UPDATE jobs SET status = 'Running', started_at = ? WHERE id = ? AND status = 'Scheduled'");
  const progress = db.prepare('UPDATE jobs SET phase = ?, message = ?, bytes = ?, total_bytes = ? WHERE id = ?');
  const warn = db.prepare("UPDATE jobs SET warnings = json_insert(warnings, '$[#]', ?) WHERE id = ?");
  const link = db.prepare(
    'UPDATE jobs SET restore_id = coalesce(?, restore_id), schedule_id = coalesce(?, schedule_id) WHERE id = ?',
  );
  const unlinkBackup = db.prepare('UPDATE jobs SET backup_id = NULL WHERE id = ?');
  const end = db.prepare(
    `UPDATE jobs SET status = ?, message = ?, error = ?, finished_at = ? WHERE id = ? AND status IN ('Scheduled', 'Running')`,
  );
  const active = db.prepare("SELECT * FROM jobs WHERE status IN ('Scheduled', 'Running') ORDER BY id");
  const activeOf = db.prepare(
    "SELECT * FROM jobs WHERE service_id = ? AND status IN ('Scheduled', 'Running') ORDER BY id",
  );
  const holds = db.prepare("SELECT 1 AS yes FROM jobs WHERE id = ? AND fence = ? AND status = 'Running'");

  const get = (id: number): JobRow | undefined => {
    const row = one.get(id);
    return row && JobRow.parse(row);
  };
  const laneHolder = (serviceId: string, wanted: readonly Lane[]): JobRow | undefined => {
    const row = holder.get(serviceId, JSON.stringify(wanted));
    return row && JobRow.parse(row);
  };
  return {
    get,
    /** The oldest active job on any of these lanes of a service. */
    laneHolder,
    /** A job with its lanes and a fresh fencing number; the job that is in the way instead, when one of the lanes is taken. */
    reserve(job: NewJob): { reserved: JobRow } | { busy: JobRow } {
      return inTransaction(db, () => {
        const inTheWay = laneHolder(job.service_id, job.lanes);
        if (inTheWay !== undefined) return { busy: inTheWay };
        const number = Number(fence.get()?.value);
        const lane = job.lanes.length === lanes.length ? 'all' : job.lanes.join(',');
        const { schedule_id = null, backup_id = null, restore_id = null } = job;
        const row = JobRow.parse(
          insert.get(job.kind, job.service_id, lane, schedule_id, backup_id, restore_id, number, now()),
        );
        for (const each of job.lanes) takeLane.run(row.id, job.service_id, each);
        return { reserved: row };
      });
    },
    /** Forgets a job that never began: its request was refused at the last look. */
    abandon: (id: number): void => void remove.run(id),
    link: (id: number, links: { restore_id?: number; schedule_id?: number }): void =>
      void link.run(links.restore_id ?? null, links.schedule_id ?? null, id),
    /** Its backup turned out not to be needed. */
    unlinkBackup: (id: number): void => void unlinkBackup.run(id),
    start: (id: number): boolean => start.run(now(), id).changes === 1,
    progress: (id: number, at: JobProgress): void =>
      void progress.run(at.phase ?? null, at.message ?? null, at.bytes ?? null, at.total_bytes ?? null, id),
    warn: (id: number, message: string): void => void warn.run(message, id),
    /** Ends an active job and frees its lanes; false when it had ended before. */
    end(id: number, result: JobEnd): boolean {
      return inTransaction(db, () => {
        const error = result.error === undefined ? null : JSON.stringify(result.error);
        const changed = end.run(result.status, result.message, error, now(), id).changes === 1;
        if (changed) freeLanes.run(id);
        return changed;
      });
    },
    active: (): JobRow[] => active.all().map((row) => JobRow.parse(row)),
    activeOf: (serviceId: string): JobRow[] => activeOf.all(serviceId).map((row) => JobRow.parse(row)),
    /** Whether this worker's lease still holds: asked right before a manifest is published. */
    holdsLease: (id: number, number: number): boolean => holds.get(id, number) !== undefined,
  };
}
