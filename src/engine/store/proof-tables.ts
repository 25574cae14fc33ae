/** Proofs of backups: a part of the first version. */
export const proofTables = `-- Backups that were made into data, or read whole, to prove them.
CREATE TABLE verifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service_id TEXT NOT NULL,
  backup_id TEXT NOT NULL,
  job_id INTEGER NOT NULL,
  schedule_id INTEGER,
  checks TEXT NOT NULL,
  -- Only the stored bytes were read: it proves no restore.
  quick INTEGER NOT NULL CHECK (quick IN (0, 1)),
  status TEXT NOT NULL,
  message TEXT NOT NULL,
  phases TEXT NOT NULL DEFAULT '[]',
  recovery_ms INTEGER,
  row_counts TEXT,
  error TEXT,
  warnings TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX verifications_by_backup ON verifications (backup_id, id);
CREATE INDEX verifications_by_service ON verifications (service_id, id);
CREATE INDEX verifications_that_prove ON verifications (service_id, id) WHERE status = 'Succeeded' AND quick = 0;
CREATE INDEX verifications_by_drill ON verifications (service_id, id) WHERE status = 'Succeeded' AND schedule_id IS NOT NULL;
CREATE INDEX verifications_that_failed ON verifications (service_id, id) WHERE status = 'Failed';
CREATE INDEX verifications_running ON verifications (id) WHERE status IN ('Scheduled', 'Running');

-- How fast data were made of backups on this machine: the plans' estimates come from here.
CREATE TABLE rates (
  work TEXT PRIMARY KEY,
  bytes REAL NOT NULL,
  seconds REAL NOT NULL CHECK (seconds > 0)
) STRICT;`;
