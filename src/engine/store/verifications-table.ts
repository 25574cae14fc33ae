import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { DrillChecks } from '../../contract/verifications.ts';
import type { JobEnd } from './jobs-table.ts';
import { flag, optional, type PageRequest, pageBounds, type RowPage, texts, time } from './rows.ts';

const json = <T extends z.ZodType>(schema: T) => z.string().transform((text) => schema.parse(JSON.parse(text)));

const MeasuredPhase = z.object({ phase: z.string(), seconds: z.number(), bytes: z.number().optional() });

const RowCount = z.object({ table: z.string(), rows: z.number(), recorded: z.number().nullable() });
export type RowCount = z.infer<typeof RowCount>;

const VerificationRow = z.object({
  id: z.number(),
  service_id: z.string(),
  backup_id: z.string(),
  job_id: z.number(),
  schedule_id: optional(z.number()),
  checks: json(DrillChecks),
  quick: flag,
  status: z.string(),
  message: z.string(),
  phases: json(z.array(MeasuredPhase)),
  recovery_ms: optional(z.number()),
  row_counts: z
    .string()
    .nullable()
    .transform((text) => (text === null ? undefined : z.array(RowCount).parse(JSON.parse(text)))),
  error: z
    .string()
    .nullable()
    .transform((text) =>
      text === null
        ? undefined
        : z.object({ code: z.string(), message: z.string(), hint: z.string() }).parse(JSON.parse(text)),
    ),
  warnings: texts,
  created_at: time,
  finished_at: optional(time),
});
export type VerificationRow = z.infer<typeof VerificationRow>;

export interface NewVerification {
  service_id: string;
  backup_id: string;
  job_id: number;
  schedule_id: number | undefined;
  checks: DrillChecks;
  message: string;
}

export interface VerificationEnd extends JobEnd {
  phases?: readonly z.infer<typeof MeasuredPhase>[];
  /** Undefined for one that proved no restore. */
  recovery_ms?: number | undefined;
  row_counts?: readonly RowCount[] | undefined;
  warnings?: readonly string[];
}

/** Backups that were proven, or found unsound. */
export function verificationsTable(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    `INSERT INTO verifications (service_id, backup_id, job_id, schedule_id, checks, quick, status, message, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 'Scheduled', ?, ?) RETURNING *`,
  );
  const one = db.prepare('SELECT * FROM verifications WHERE id = ?');
  const begin = db.prepare("UPDATE verifications SET status = 'Running', message = ? WHERE id = ?");
  const end = db.prepare(
    `UPDATE verifications SET status = ?, message = ?, phases = ?, recovery_ms = ?, row_counts = ?, error = ?, warnings = ?,
       finished_at = ? WHERE id = ?`,
  );
  const running = db.prepare("SELECT * FROM verifications WHERE status IN ('Scheduled', 'Running') ORDER BY id");
  const newestOf = db.prepare(
    `SELECT * FROM verifications WHERE backup_id = ? AND status IN ('Succeeded', 'Failed') ORDER BY id DESC LIMIT 1`,
  );

  const read = (row: unknown): VerificationRow => VerificationRow.parse(row);
  return {
    add({ service_id, backup_id, job_id, schedule_id, checks, message }: NewVerification): VerificationRow {
      const quick = checks.quick === true ? 1 : 0;
      return read(
        insert.get(service_id, backup_id, job_id, schedule_id ?? null, JSON.stringify(checks), quick, message, now()),
      );
    },
    get(id: number): VerificationRow | undefined {
      const row = one.get(id);
      return row && read(row);
    },
    begin: (id: number, message: string): void => void begin.run(message, id),
    end(id: number, result: VerificationEnd): void {
      const { status, message, phases = [], recovery_ms, row_counts, error, warnings = [] } = result;
      end.run(
        status,
        message,
        JSON.stringify(phases),
        recovery_ms ?? null,
        row_counts === undefined ? null : JSON.stringify(row_counts),
        error === undefined ? null : JSON.stringify(error),
        JSON.stringify(warnings),
        now(),
        id,
      );
    },
    running: (): VerificationRow[] => running.all().map(read),
    /** The newest of a backup that came to an answer. */
    newestOf(backupId: string): VerificationRow | undefined {
      const row = newestOf.get(backupId);
      return row && read(row);
    },
    list(
      query: PageRequest & { service_id?: string | undefined; backup_id?: string | undefined },
    ): RowPage<VerificationRow> {
      const { limit, offset, direction } = pageBounds(query);
      const filters = (['service_id', 'backup_id'] as const).flatMap((column) => {
        const value = query[column];
        return value === undefined ? [] : [{ sql: `${column} = ?`, value }];
      });
      const where = filters.length === 0 ? '' : `WHERE ${filters.map(({ sql }) => sql).join(' AND ')}`;
      const values = filters.map(({ value }) => value);
      const counted = db.prepare(`SELECT count(*) AS count FROM verifications ${where}`).get(...values);
      const count = Number(counted?.count ?? 0);
      const items = db
        .prepare(`SELECT * FROM verifications ${where} ORDER BY id ${direction} LIMIT ? OFFSET ?`)
        .all(...values, limit, offset)
        .map(read);
      return { items, count, pages: Math.ceil(count / limit) };
    },
  };
}
