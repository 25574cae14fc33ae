import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { BackupType } from '../../contract/backups.ts';
import type { ScheduleType } from '../../contract/schedules.ts';
import { DrillChecks } from '../../contract/verifications.ts';
import { type ListFilter, listPages } from './list-pages.ts';
import { flag, optional, type RowPage, texts, time } from './rows.ts';

const ScheduleRow = z.object({
  id: z.number(),
  service_id: z.string(),
  schedule: z.string(),
  type: z.string(),
  status: z.string(),
  message: z.string(),
  suspended: flag,
  warnings: texts,
  job_id: optional(z.number()),
  backup_id: optional(z.string()),
  next_run_at: optional(time),
  last_run_at: optional(time),
  last_skip: optional(z.string()),
  storage: optional(z.string()),
  checks: z
    .string()
    .nullable()
    .transform((text) => (text === null ? undefined : DrillChecks.parse(JSON.parse(text)))),
  after_restore: optional(z.number()),
  owed_from: time,
  created_at: time,
  updated_at: time,
});
export type ScheduleRow = z.infer<typeof ScheduleRow>;

export interface NewSchedule {
  service_id: string;
  schedule: string;
  type: ScheduleType;
  /** Of a drill alone. */
  checks?: DrillChecks | undefined;
  /** Undefined: the service's default, whatever that is when it runs. */
  storage?: string | undefined;
  message: string;
  warnings: string[];
  /** When it is due; of a one-time one that is begun by whoever makes it: undefined. */
  next_run_at: number | undefined;
  /** Of a backup that is taken because this restore has replaced the data. */
  after_restore?: number;
}

export interface ScheduleChange {
  schedule?: string;
  type?: BackupType;
  suspended?: boolean;
  status?: string;
  message?: string;
  job_id?: number;
  /** Null forgets the one of the run before. */
  backup_id?: string | null;
  next_run_at?: number | null;
  last_run_at?: number;
  last_skip?: string;
  /** Runs are owed from here on; a success moves it by itself. */
  owed_from?: number;
}

/** One-time and repeated backups. `last_run_at` is the cron moment that was served, not when its job began. */
export function schedulesTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    `INSERT INTO schedules (service_id, schedule, type, checks, storage, status, message, warnings, next_run_at, after_restore, owed_from, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, 'Scheduled', ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
  );
  const one = db.prepare('SELECT * FROM schedules WHERE id = ?');
  const remove = db.prepare('DELETE FROM schedules WHERE id = ?');
  const removeOf = db.prepare('DELETE FROM schedules WHERE service_id = ?');
  const due = db.prepare(
    'SELECT * FROM schedules WHERE next_run_at IS NOT NULL AND suspended = 0 AND next_run_at <= ? ORDER BY next_run_at, id LIMIT 1000',
  );
  const soonest = db.prepare(
    'SELECT min(next_run_at) AS at FROM schedules WHERE next_run_at IS NOT NULL AND suspended = 0',
  );
  const waiting = db.prepare("SELECT * FROM schedules WHERE schedule = 'once' AND next_run_at IS NOT NULL");
  const removeWaiting = db.prepare(
    'DELETE FROM schedules WHERE service_id = ? AND after_restore IS NOT NULL AND next_run_at IS NOT NULL',
  );
  const repeated = db.prepare("SELECT * FROM schedules WHERE schedule <> 'once' AND suspended = 0");
  // As its index has it: the last entry of that is the answer.
  const latest = db.prepare(
    'SELECT max(coalesce(last_run_at, 0), updated_at) AS at FROM schedules ORDER BY max(coalesce(last_run_at, 0), updated_at) DESC LIMIT 1',
  );
  const active = db.prepare('SELECT count(*) AS count FROM schedules WHERE next_run_at IS NOT NULL AND suspended = 0');

  const page = listPages(db, 'schedules');
  const get = (id: number): ScheduleRow | undefined => {
    const row = one.get(id);
    return row && ScheduleRow.parse(row);
  };
  return {
    get,
    add(schedule: NewSchedule): ScheduleRow {
      const { service_id, type, checks, storage, message, warnings, next_run_at } = schedule;
      return ScheduleRow.parse(
        insert.get(
          service_id,
          schedule.schedule,
          type,
          checks === undefined ? null : JSON.stringify(checks),
          storage ?? null,
          message,
          JSON.stringify(warnings),
          next_run_at ?? null,
          schedule.after_restore ?? null,
          now(),
          now(),
          now(),
        ),
      );
    },
    change(id: number, change: ScheduleChange): ScheduleRow | undefined {
      const owed = change.status === 'Succeeded' ? { owed_from: now() } : {};
      const columns = Object.entries({ ...owed, ...change }).filter(([, value]) => value !== undefined);
      const assignments = columns.map(([column]) => `${column} = ?`).concat('updated_at = ?');
      const values = columns.map(([, value]) => (typeof value === 'boolean' ? Number(value) : value));
      db.prepare(`UPDATE schedules SET ${assignments.join(', ')} WHERE id = ?`).run(...values, now(), id);
      return get(id);
    },
    remove: (id: number): boolean => remove.run(id).changes === 1,
    removeOf: (serviceId: string): number => Number(removeOf.run(serviceId).changes),
    list(query: ListFilter): RowPage<ScheduleRow> {
      const { rows, count, pages } = page(query);
      return { items: rows.map((row) => ScheduleRow.parse(row)), count, pages };
    },
    due: (at: number): ScheduleRow[] => due.all(at).map((row) => ScheduleRow.parse(row)),
    nextDue: (): number | undefined => z.number().nullish().parse(soonest.get()?.at) ?? undefined,
    repeated: (): ScheduleRow[] => repeated.all().map((row) => ScheduleRow.parse(row)),
    /** One-time ones that are still to be begun. */
    waiting: (): ScheduleRow[] => waiting.all().map((row) => ScheduleRow.parse(row)),
    /** Forgets the backup of a service that was still to be taken after a restore. */
    removeWaitingAfterRestore: (serviceId: string): void => void removeWaiting.run(serviceId),
    /** The newest moment any row knows of: if it lies ahead, the clock was set back. */
    newestMoment: (): number => z.number().nullish().parse(latest.get()?.at) ?? 0,
    /** Those that have a run ahead. */
    activeCount: (): number => Number(active.get()?.count ?? 0),
  };
}
