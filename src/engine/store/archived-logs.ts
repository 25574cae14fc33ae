import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { Manifest } from '../repository/manifest.ts';
import { optional, time } from './rows.ts';

const ArchivedLogRow = z.object({
  backup_id: z.string(),
  name: z.string(),
  service_id: z.string(),
  incarnation: z.string(),
  server_id: z.number(),
  bytes: z.number(),
  gtids_before: z.string(),
  gtids_after: z.string(),
  opened_at: time,
  closed_at: optional(time),
  first_event_at: optional(time),
  last_event_at: optional(time),
  follows_backup: optional(z.string()),
  follows_name: optional(z.string()),
  gap_kind: optional(z.string()),
  gap_detail: optional(z.string()),
});
export type ArchivedLogRow = z.infer<typeof ArchivedLogRow>;

const whole = "FROM archived_logs AS log JOIN backups ON backups.id = log.backup_id AND backups.status = 'Succeeded'";

/** Which binary logs the repository holds, and which of them follow one another. Only an index, as that of backups. */
export function archivedLogs(db: DatabaseSync) {
  const insert = db.prepare(
    `INSERT INTO archived_logs (backup_id, name, service_id, incarnation, server_id, bytes, gtids_before, gtids_after,
       opened_at, closed_at, first_event_at, last_event_at, follows_backup, follows_name, gap_kind, gap_detail)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const all = db.prepare(`SELECT log.* ${whole} WHERE log.service_id = ? ORDER BY log.opened_at, log.name`);
  const ends = db.prepare(
    `SELECT log.* ${whole} WHERE log.service_id = ? AND log.incarnation = ? AND NOT EXISTS (
       SELECT 1 FROM archived_logs AS next WHERE next.follows_backup = log.backup_id AND next.follows_name = log.name
         AND EXISTS (SELECT 1 FROM backups WHERE backups.id = next.backup_id AND backups.status = 'Succeeded'))
     ORDER BY log.opened_at DESC, log.name DESC`,
  );
  const newest = db.prepare(
    `SELECT log.* ${whole} WHERE log.service_id = ? ORDER BY log.opened_at DESC, log.name DESC LIMIT 1`,
  );
  const gaps = db.prepare(
    `SELECT log.* FROM services CROSS JOIN archived_logs AS log
     WHERE (?1 IS NULL OR services.id = ?1) AND log.rowid = (
       SELECT newest.rowid FROM archived_logs AS newest
       JOIN backups ON backups.id = newest.backup_id AND backups.status = 'Succeeded'
       WHERE newest.service_id = services.id AND newest.gap_kind IS NOT NULL ORDER BY newest.opened_at DESC LIMIT 1)`,
  );
  const states = db.prepare('SELECT DISTINCT gtids_after AS gtids FROM archived_logs WHERE service_id = ?');

  const read = (rows: unknown[]): ArchivedLogRow[] => rows.map((row) => ArchivedLogRow.parse(row));
  return {
    /** Takes in the logs of a backup, if it has any. Its own row must be there. */
    publish(manifest: Manifest): void {
      for (const log of manifest.logs ?? []) {
        insert.run(
          manifest.id,
          log.name,
          manifest.service_id,
          manifest.incarnation,
          manifest.server.server_id,
          log.bytes,
          log.gtids_before,
          log.gtids_after,
          Date.parse(log.opened_at),
          milliseconds(log.closed_at),
          milliseconds(log.first_event_at),
          milliseconds(log.last_event_at),
          log.follows?.backup_id ?? null,
          log.follows?.name ?? null,
          log.gap?.kind ?? null,
          log.gap?.detail ?? null,
        );
      }
    },
    /** Every archived log of a service, all incarnations, the oldest first. */
    of: (serviceId: string): ArchivedLogRow[] => read(all.all(serviceId)),
    /** The logs from which no other goes on, the newest first: where the ranges of an incarnation end. */
    endsOf: (serviceId: string, incarnation: string): ArchivedLogRow[] => read(ends.all(serviceId, incarnation)),
    newestOf: (serviceId: string): ArchivedLogRow | undefined => read(newest.all(serviceId))[0],
    /** Of every service, or of one: the log that begins its newest range, where that does not go on from the one before. */
    newestGaps: (serviceId?: string): ArchivedLogRow[] => read(gaps.all(serviceId ?? null)),
    /** The GTID states that any archived log of a service ended with. */
    gtidsOf: (serviceId: string): string[] =>
      states.all(serviceId).map((row) => z.object({ gtids: z.string() }).parse(row).gtids),
  };
}

function milliseconds(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}
