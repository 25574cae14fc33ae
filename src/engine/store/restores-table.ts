import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type ListFilter, listPages } from './list-pages.ts';
import { optional, type RowPage, texts, time } from './rows.ts';

const RestoreRow = z.object({
  id: z.number(),
  service_id: z.string(),
  service_name: z.string(),
  source_service_id: z.string(),
  backup_id: z.string(),
  bucket: z.string(),
  type: z.enum(['physical', 'logical']),
  target: z.enum(['existing', 'new']),
  status: z.string(),
  message: z.string(),
  job_id: optional(z.number()),
  plan_id: optional(z.string()),
  new_incarnation: z.string(),
  downtime_ms: optional(z.number()),
  kept_data: optional(z.string()),
  kept_until: optional(time),
  undo_of: optional(z.number()),
  /** Of an import into a running server: whether its first change was made. */
  import: optional(z.enum(['untouched', 'begun'])),
  safety_backup: optional(z.string()),
  users_from: optional(z.string()),
  warnings: texts,
  created_at: time,
  finished_at: optional(time),
});
export type RestoreRow = z.infer<typeof RestoreRow>;

export interface NewRestoreRow {
  service_id: string;
  service_name: string;
  source_service_id: string;
  backup_id: string;
  bucket: string;
  /** Of the backup: dumps are restored as SQL. */
  backup_type: string;
  new_incarnation: string;
  job_id: number;
  plan_id: string | undefined;
  /** Default: one that existed. */
  target?: 'existing' | 'new';
  /** Of an undo: the restore that it takes back. */
  undo_of?: number;
  /** Into a running server, whose data are not exchanged. */
  imports?: boolean;
  message: string;
}

export interface RestoreEnd {
  status: 'Succeeded' | 'Failed' | 'Cancelled';
  message: string;
  downtime_ms?: number | undefined;
  kept_data?: string | undefined;
  kept_until?: number | undefined;
  users_from?: string | undefined;
  warnings?: readonly string[] | undefined;
  /** The GTID state that the data began with. */
  gtids?: string | undefined;
}

const Beginning = z.object({ incarnation: z.string(), gtids: z.string() });

/** Restores that were asked for, and what each left behind. */
export function restoresTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    `INSERT INTO restores (service_id, service_name, source_service_id, backup_id, bucket, type, target, status, message, job_id, plan_id, new_incarnation, undo_of, import, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'Scheduled', ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
  );
  const one = db.prepare('SELECT * FROM restores WHERE id = ?');
  const remove = db.prepare('DELETE FROM restores WHERE id = ?');
  const begin = db.prepare("UPDATE restores SET status = 'Running', message = ? WHERE id = ?");
  const end = db.prepare(
    `UPDATE restores SET status = ?, message = ?, downtime_ms = ?, kept_data = ?, kept_until = ?, users_from = ?, warnings = ?, gtids = ?, finished_at = ? WHERE id = ?`,
  );
  const safety = db.prepare('UPDATE restores SET safety_backup = ? WHERE id = ?');
  const beginImport = db.prepare("UPDATE restores SET import = 'begun', message = ? WHERE id = ?");
  const beganWithImport = db.prepare(
    "SELECT 1 FROM restores WHERE service_id = ? AND new_incarnation = ? AND import = 'begun' LIMIT 1",
  );
  const running = db.prepare("SELECT * FROM restores WHERE status IN ('Scheduled', 'Running') ORDER BY id");
  const runningOf = db.prepare(
    "SELECT * FROM restores WHERE service_id = ? AND status IN ('Scheduled', 'Running') ORDER BY id",
  );
  const expired = db.prepare(
    'SELECT * FROM restores WHERE kept_data IS NOT NULL AND kept_until <= ? ORDER BY kept_until LIMIT 100',
  );
  const forgetKept = db.prepare('UPDATE restores SET kept_data = NULL WHERE id = ?');
  const beginnings = db.prepare(
    'SELECT new_incarnation AS incarnation, gtids FROM restores WHERE service_id = ? AND gtids IS NOT NULL',
  );
  const newestOf = db.prepare(
    "SELECT * FROM restores WHERE service_id = ? AND status = 'Succeeded' ORDER BY id DESC LIMIT 1",
  );

  const page = listPages(db, 'restores');
  const rows = (list: unknown[]): RestoreRow[] => list.map((row) => RestoreRow.parse(row));
  return {
    add(restore: NewRestoreRow): RestoreRow {
      const { service_id, service_name, source_service_id, backup_id, bucket, new_incarnation, job_id } = restore;
      return RestoreRow.parse(
        insert.get(
          service_id,
          service_name,
          source_service_id,
          backup_id,
          bucket,
          restore.backup_type === 'dump' ? 'logical' : 'physical',
          restore.target ?? 'existing',
          restore.message,
          job_id,
          restore.plan_id ?? null,
          new_incarnation,
          restore.undo_of ?? null,
          restore.imports ? 'untouched' : null,
          now(),
        ),
      );
    },
    get(id: number): RestoreRow | undefined {
      const row = one.get(id);
      return row && RestoreRow.parse(row);
    },
    remove: (id: number): boolean => remove.run(id).changes === 1,
    begin: (id: number, message: string): void => void begin.run(message, id),
    setSafetyBackup: (id: number, backupId: string): void => void safety.run(backupId, id),
    /** From here on the target is no longer what it was. */
    beginImport: (id: number, message: string): void => void beginImport.run(message, id),
    end(id: number, result: RestoreEnd): void {
      const { status, message, downtime_ms = null, kept_data = null, kept_until = null, users_from = null } = result;
      end.run(
        status,
        message,
        downtime_ms,
        kept_data,
        kept_until,
        users_from,
        JSON.stringify(result.warnings ?? []),
        result.gtids ?? null,
        now(),
        id,
      );
    },
    /** Whether the data of this incarnation were imported into the server of before, and did not come with another. */
    beganWithImport: (serviceId: string, incarnation: string): boolean =>
      beganWithImport.get(serviceId, incarnation) !== undefined,
    /** By incarnation, the GTID state it began with, of those that a restore began. */
    beginningsOf: (serviceId: string): ReadonlyMap<string, string> =>
      new Map(
        beginnings.all(serviceId).map((row) => {
          const { incarnation, gtids } = Beginning.parse(row);
          return [incarnation, gtids];
        }),
      ),
    running: (): RestoreRow[] => rows(running.all()),
    runningOf: (serviceId: string): RestoreRow[] => rows(runningOf.all(serviceId)),
    newestOf(serviceId: string): RestoreRow | undefined {
      const row = newestOf.get(serviceId);
      return row && RestoreRow.parse(row);
    },
    expired: (at: number): RestoreRow[] => rows(expired.all(at)),
    /** No restore gets this id or a lower one. */
    startAbove(id: number): void {
      const last = Number(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'restores'").get()?.seq ?? -1);
      if (last >= id) return;
      const set = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'restores'";
      if (db.prepare(set).run(id).changes === 0) {
        db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('restores', ?)").run(id);
      }
    },
    forgetKept: (id: number): void => void forgetKept.run(id),
    list(query: ListFilter): RowPage<RestoreRow> {
      const { rows: found, count, pages } = page(query);
      return { items: rows(found), count, pages };
    },
  };
}
