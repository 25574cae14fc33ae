import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { backupTypes } from '../../contract/backup-types.ts';
import { parsePointInTime } from '../../contract/time.ts';
import { optional } from './rows.ts';

const Good = z.object({
  service_id: z.string(),
  id: z.string(),
  type: z.string(),
  point_in_time: optional(z.string()),
  start_time: z.number(),
  end_time: optional(z.number()),
  storage_bytes: optional(z.number()),
});
const Failed = z.object({
  service_id: z.string(),
  type: z.string(),
  start_time: z.number(),
  message: optional(z.string()),
});
const Running = z.object({ service_id: z.string(), type: z.string(), start_time: z.number() });
const Repeated = z.object({
  id: z.number(),
  service_id: z.string(),
  schedule: z.string(),
  type: z.string(),
  status: z.string(),
  message: z.string(),
  suspended: z.number(),
  owed_from: z.number(),
  last_run_at: optional(z.number()),
  next_run_at: optional(z.number()),
});
const Proven = z.object({
  source_service_id: z.string(),
  id: z.number(),
  backup_id: z.string(),
  service_id: z.string(),
  at: z.number(),
});
const Verified = z.object({
  service_id: z.string(),
  id: z.number(),
  backup_id: z.string(),
  recovery_ms: optional(z.number()),
  at: z.number(),
});
const Drilled = z.object({ service_id: z.string(), backup_id: z.string(), started: z.number(), ended: z.number() });
const Disproved = z.object({
  service_id: z.string(),
  backup_id: z.string(),
  at: z.number(),
  message: z.string(),
  code: optional(z.string()),
  hint: optional(z.string()),
});
const Count = z.object({ count: z.number() });
const FailedJobs = z.object({ service_id: z.string(), kind: z.string(), count: z.number() });
const Kept = z.object({ service_id: z.string(), kept_data: z.string() });

/** More failed runs than these are not counted: the words are the same. */
const mostCounted = 1000;

/**
 * What health and metrics ask of the state, of all services or of one: a few index look-ups for each service and type, however
 * many backups there are.
 */
export function coverageQueries(db: DatabaseSync) {
  const types = backupTypes.map((type) => `('${type}')`).join(', ');
  /** The newest backup with a status, of each service and type. */
  const newest = (status: string, columns: string) =>
    db.prepare(
      `WITH types (type) AS (VALUES ${types})
       SELECT ${columns} FROM services CROSS JOIN types CROSS JOIN backups
       WHERE (?1 IS NULL OR services.id = ?1) AND backups.rowid = (
         SELECT newest.rowid FROM backups AS newest
         WHERE newest.service_id = services.id AND newest.status = '${status}' AND newest.type = types.type
         ORDER BY newest.start_time DESC LIMIT 1)`,
    );
  const good = newest(
    'Succeeded',
    'service_id, backups.id, backups.type, point_in_time, start_time, end_time, storage_bytes',
  );
  const failed = newest('Failed', 'service_id, backups.type, start_time, message');
  const failedSince = db.prepare(
    `SELECT count(*) AS count FROM (SELECT 1 FROM backups
     WHERE service_id = ? AND status = 'Failed' AND type = ? AND start_time > ? LIMIT ${mostCounted})`,
  );
  const running = db.prepare(
    `SELECT jobs.service_id, jobs.kind AS type, coalesce(jobs.started_at, jobs.created_at) AS start_time FROM jobs
     WHERE jobs.status IN ('Scheduled', 'Running') AND jobs.backup_id IS NOT NULL AND (?1 IS NULL OR jobs.service_id = ?1)`,
  );
  const repeatedOnes = `SELECT id, service_id, schedule, type, status, message, suspended, owed_from, last_run_at, next_run_at
     FROM schedules WHERE schedule <> 'once'`;
  // Two halves, of which one is empty: with an OR, the schedules of all services would be looked at for one.
  const repeated = db.prepare(
    `${repeatedOnes} AND ?1 IS NULL UNION ALL ${repeatedOnes} AND service_id = ?1 ORDER BY id`,
  );
  const proven = db.prepare(
    `SELECT source_service_id, restores.id, backup_id, service_id, coalesce(finished_at, restores.created_at) AS at
     FROM services CROSS JOIN restores
     WHERE (?1 IS NULL OR services.id = ?1) AND restores.id = (
       SELECT max(newest.id) FROM restores AS newest
       WHERE newest.source_service_id = services.id AND newest.status = 'Succeeded' AND newest.undo_of IS NULL)`,
  );
  const verified = db.prepare(
    `SELECT services.id AS service_id, verifications.id, backup_id, recovery_ms, finished_at AS at
     FROM services CROSS JOIN verifications
     WHERE (?1 IS NULL OR services.id = ?1) AND verifications.id = (
       SELECT max(newest.id) FROM verifications AS newest
       WHERE newest.service_id = services.id AND newest.status = 'Succeeded' AND newest.quick = 0)`,
  );
  const drilled = db.prepare(
    `SELECT services.id AS service_id, backup_id, verifications.created_at AS started, finished_at AS ended
     FROM services CROSS JOIN verifications
     WHERE (?1 IS NULL OR services.id = ?1) AND verifications.id = (
       SELECT max(newest.id) FROM verifications AS newest
       WHERE newest.service_id = services.id AND newest.status = 'Succeeded' AND newest.schedule_id IS NOT NULL)`,
  );
  // One that the daemon's end interrupted says nothing of its backup; and a quick look takes back what a quick look found alone.
  const disproved = db.prepare(
    `SELECT services.id AS service_id, backup_id, finished_at AS at, message,
       json_extract(error, '$.code') AS code, json_extract(error, '$.hint') AS hint
     FROM services CROSS JOIN verifications AS failed
     WHERE (?1 IS NULL OR services.id = ?1) AND failed.id = (
       SELECT max(newest.id) FROM verifications AS newest
       WHERE newest.service_id = services.id AND newest.status = 'Failed'
         AND json_extract(newest.error, '$.code') IS NOT 'interrupted')
     AND NOT EXISTS (
       SELECT 1 FROM verifications AS later
       WHERE later.service_id = failed.service_id AND later.id > failed.id AND later.status = 'Succeeded'
         AND later.quick <= failed.quick)`,
  );
  const failedJobs = db.prepare(
    `SELECT service_id, kind, count(*) AS count FROM jobs
     WHERE status = 'Failed' AND service_id IN (SELECT id FROM services) GROUP BY service_id, kind`,
  );
  const kept = db.prepare(
    'SELECT service_id, kept_data FROM restores WHERE kept_data IS NOT NULL AND service_id IN (SELECT id FROM services)',
  );

  return {
    /** The newest good backup of each service and type. `at` is the moment the data is of. */
    good: (serviceId?: string) =>
      good.all(serviceId ?? null).map((row) => {
        const { point_in_time, start_time, end_time, ...rest } = Good.parse(row);
        const at = point_in_time === undefined ? undefined : parsePointInTime(point_in_time)?.getTime();
        return { ...rest, at: at ?? start_time, started: start_time, ended: end_time ?? start_time };
      }),
    /** The newest failed one of each service and type. */
    failed: (serviceId?: string) => failed.all(serviceId ?? null).map((row) => Failed.parse(row)),
    failedSince: (serviceId: string, type: string, after: number): number =>
      Count.parse(failedSince.get(serviceId, type, after)).count,
    running: (serviceId?: string) => running.all(serviceId ?? null).map((row) => Running.parse(row)),
    repeated: (serviceId?: string) => repeated.all(serviceId ?? null).map((row) => Repeated.parse(row)),
    /** The newest restore that succeeded from a backup of each service. */
    proven: (serviceId?: string) => proven.all(serviceId ?? null).map((row) => Proven.parse(row)),
    /** The newest verification of each service that proved a restore. */
    verified: (serviceId?: string) => verified.all(serviceId ?? null).map((row) => Verified.parse(row)),
    /** The newest drill of each service that succeeded. */
    drilled: (serviceId?: string) => drilled.all(serviceId ?? null).map((row) => Drilled.parse(row)),
    /** The newest verification of each service that failed, where none succeeded since. */
    disproved: (serviceId?: string) => disproved.all(serviceId ?? null).map((row) => Disproved.parse(row)),
    /** How many jobs of each registered service and kind ever failed. */
    failedJobs: () => failedJobs.all().map((row) => FailedJobs.parse(row)),
    /** The data that restores of registered services have set aside. */
    kept: () => kept.all().map((row) => Kept.parse(row)),
  };
}
