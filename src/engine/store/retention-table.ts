import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { RetentionPolicy } from '../../contract/retention.ts';
import { flag, optional, time } from './rows.ts';

const RetentionRow = z.object({
  policy: z
    .string()
    .nullable()
    .transform((text) => (text === null ? undefined : RetentionPolicy.parse(JSON.parse(text)))),
  last_pass_at: optional(time),
  last_pass_message: optional(z.string()),
  last_pass_failed: flag,
});
export type RetentionRow = z.infer<typeof RetentionRow>;

const everyMs = 24 * 3_600_000;
const afterFailureMs = 3_600_000;

/** The retention of each service, and when a pass over its backups is due. */
export function retentionTable(db: DatabaseSync, now: () => number) {
  const one = db.prepare('SELECT * FROM retention WHERE service_id = ?');
  const set = db.prepare(
    'INSERT INTO retention (service_id, policy) VALUES (?, ?) ON CONFLICT (service_id) DO UPDATE SET policy = excluded.policy',
  );
  const want = db.prepare(
    'INSERT INTO retention (service_id, pass_wanted) VALUES (?, 1) ON CONFLICT (service_id) DO UPDATE SET pass_wanted = 1',
  );
  const passed = db.prepare(
    `INSERT INTO retention (service_id, last_pass_at, last_pass_message, last_pass_failed) VALUES (?, ?, ?, ?)
     ON CONFLICT (service_id) DO UPDATE SET pass_wanted = 0, last_pass_at = excluded.last_pass_at,
       last_pass_message = excluded.last_pass_message, last_pass_failed = excluded.last_pass_failed`,
  );
  // A last pass that lies ahead means that the clock was set back.
  const due = db.prepare(
    `SELECT services.id AS id FROM services LEFT JOIN retention ON retention.service_id = services.id
     WHERE pass_wanted = 1 OR last_pass_at IS NULL OR last_pass_at > ? OR last_pass_at <= iif(last_pass_failed = 1, ?, ?)
     ORDER BY last_pass_at LIMIT 1`,
  );
  return {
    get(serviceId: string): RetentionRow | undefined {
      const row = one.get(serviceId);
      return row && RetentionRow.parse(row);
    },
    setPolicy: (serviceId: string, policy: RetentionPolicy): void => void set.run(serviceId, JSON.stringify(policy)),
    /** After a backup: the next look at what is due finds the service. */
    wantPass: (serviceId: string): void => void want.run(serviceId),
    passed: (serviceId: string, message: string, failed: boolean): void =>
      void passed.run(serviceId, now(), message, Number(failed)),
    /** The service whose pass is due the longest; every service's comes once a day, an hour after one that failed. */
    nextDue(): string | undefined {
      const at = now();
      const row = due.get(at, at - afterFailureMs, at - everyMs);
      return row && z.object({ id: z.string() }).parse(row).id;
    },
  };
}
