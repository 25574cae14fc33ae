import { accessTables } from './access-tables.ts';
import { contentsTables } from './contents-tables.ts';
import { proofTables } from './proof-tables.ts';

/** For how long each count of backups stands. */
export const countSpans = { hour: 3_600_000, day: 86_400_000, all: 8_640_000_000_000_000 } as const;

const countIn = `INSERT INTO backup_counts
    SELECT service.id, span, NEW.start_time / span * span, NEW.type, NEW.status, 1
      FROM (SELECT NEW.service_id AS id UNION ALL SELECT '') AS service CROSS JOIN backup_count_spans WHERE true
    ON CONFLICT DO UPDATE SET count = count + 1;`;
const counted = `service_id IN (OLD.service_id, '') AND type = OLD.type AND status = OLD.status
    AND (span, began) IN (SELECT span, OLD.start_time / span * span FROM backup_count_spans)`;
const countOut = `UPDATE backup_counts SET count = count - 1 WHERE ${counted};
  DELETE FROM backup_counts WHERE count = 0 AND ${counted};`;

const countList = (list: string): string => `
CREATE TRIGGER ${list}_are_counted AFTER INSERT ON ${list} BEGIN
  INSERT INTO list_counts VALUES ('${list}', NEW.service_id, NEW.type, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER ${list}_are_counted_out AFTER DELETE ON ${list} BEGIN
  UPDATE list_counts SET count = count - 1 WHERE list = '${list}' AND service_id = OLD.service_id AND type = OLD.type;
END;
CREATE TRIGGER ${list}_are_counted_anew AFTER UPDATE OF service_id, type ON ${list} BEGIN
  UPDATE list_counts SET count = count - 1 WHERE list = '${list}' AND service_id = OLD.service_id AND type = OLD.type;
  INSERT INTO list_counts VALUES ('${list}', NEW.service_id, NEW.type, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;`;

/**
 * The state's schema, one entry a version; an entry that was ever released is never changed. Times are milliseconds since
 * the epoch. Plans have their own table (src/plans), made beside these.
 */
export const migrations: readonly string[] = [
  `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE services (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  control TEXT NOT NULL,
  connection TEXT NOT NULL,
  datadir TEXT,
  incarnation TEXT NOT NULL,
  -- Highest GTID sequence per domain and server ever seen: a restore must not hand one out twice.
  highest_gtids TEXT NOT NULL DEFAULT '',
  server_id INTEGER,
  server_version TEXT,
  server_hostname TEXT,
  server_datadir TEXT,
  -- Nothing destructive is done to a locked service; the moment in locked_until ends it, NULL: only a person.
  locked_at INTEGER,
  locked_until INTEGER,
  lock_reason TEXT,
  locked_by TEXT,
  -- The backup that a copy was made of, beside the service it is of.
  copied_from TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  service_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('Scheduled', 'Running', 'Succeeded', 'Failed', 'Cancelled')),
  phase TEXT,
  message TEXT,
  bytes INTEGER,
  total_bytes INTEGER,
  error TEXT,
  warnings TEXT NOT NULL DEFAULT '[]',
  schedule_id INTEGER,
  backup_id TEXT,
  restore_id INTEGER,
  -- The lease: a worker may publish only while its job still carries the number it was started with.
  fence INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER
) STRICT;
CREATE INDEX jobs_active ON jobs (service_id) WHERE status IN ('Scheduled', 'Running');
CREATE INDEX jobs_failed ON jobs (service_id, kind) WHERE status = 'Failed';

-- A restore takes all lanes of its service, so lanes are rows of their own.
CREATE TABLE job_lanes (
  job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  service_id TEXT NOT NULL,
  lane TEXT NOT NULL CHECK (lane IN ('data', 'binlog', 'verify')),
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  PRIMARY KEY (job_id, lane)
) STRICT;
CREATE UNIQUE INDEX one_active_job_per_lane ON job_lanes (service_id, lane) WHERE active = 1;

CREATE TABLE schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service_id TEXT NOT NULL,
  schedule TEXT NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  message TEXT NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0,
  warnings TEXT NOT NULL DEFAULT '[]',
  job_id INTEGER,
  backup_id TEXT,
  -- Of a drill: what it looks at.
  checks TEXT,
  next_run_at INTEGER,
  last_run_at INTEGER,
  -- The last run that was skipped, and why: the message beside it is the newest run's.
  last_skip TEXT,
  -- Runs are owed from here on: it was made, changed or resumed then, or a run of it succeeded.
  owed_from INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (next_run_at) WHERE next_run_at IS NOT NULL AND suspended = 0;
CREATE INDEX schedules_by_service ON schedules (service_id);
CREATE INDEX schedules_by_type ON schedules (type);
CREATE INDEX schedules_by_moment ON schedules (max(coalesce(last_run_at, 0), updated_at));

-- Only an index: the manifests in the repository are the truth for every backup that succeeded.
CREATE TABLE backups (
  id TEXT PRIMARY KEY,
  service_id TEXT NOT NULL,
  service_name TEXT NOT NULL,
  server_pod TEXT NOT NULL,
  type TEXT NOT NULL,
  method TEXT NOT NULL,
  status TEXT NOT NULL,
  message TEXT,
  incarnation TEXT,
  reference_full_backup TEXT NOT NULL DEFAULT '',
  -- The backup that an incremental builds on, and the LSNs (decimal text) it goes from and to.
  parent TEXT,
  from_lsn TEXT,
  to_lsn TEXT,
  point_in_time TEXT,
  server_version TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER,
  storage_bytes INTEGER,
  disk_bytes INTEGER,
  binlog_file TEXT,
  binlog_position INTEGER,
  binlog_gtid TEXT,
  unfit TEXT, -- Why no binary logs may be rolled forward over it.
  job_id INTEGER,
  warnings TEXT NOT NULL DEFAULT '[]',
  -- What lay in its folder, names and sizes, when its manifest was taken in: while that is so, nobody needs to read it again.
  listing TEXT
) STRICT;
CREATE INDEX backups_by_time ON backups (start_time, id);
CREATE INDEX backups_by_service ON backups (service_id, start_time, id);
-- In small letters, so that only a page of one status or type takes them, never a look-up within a service.
CREATE INDEX backups_by_status ON backups (lower(status), start_time, id);
CREATE INDEX backups_by_type ON backups (lower(type), start_time, id);
-- What health asks for, a look-up each however many backups there are.
CREATE INDEX backups_by_outcome ON backups (service_id, status, type, start_time);

-- The binary logs in those backups, each with the one it goes on from: ranges and gaps are read from here.
CREATE TABLE archived_logs (
  backup_id TEXT NOT NULL REFERENCES backups (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  service_id TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  server_id INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  gtids_before TEXT NOT NULL,
  gtids_after TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  first_event_at INTEGER,
  last_event_at INTEGER,
  follows_backup TEXT,
  follows_name TEXT,
  gap_kind TEXT,
  gap_detail TEXT,
  PRIMARY KEY (backup_id, name)
) STRICT;
CREATE INDEX archived_logs_by_service ON archived_logs (service_id, incarnation);
CREATE INDEX archived_logs_gaps ON archived_logs (service_id, opened_at) WHERE gap_kind IS NOT NULL;
CREATE INDEX archived_logs_followed ON archived_logs (follows_backup, follows_name);
-- What is kept of a service's backups, and how the last pass went. Outlives the service: its backups do too.
CREATE TABLE retention (
  service_id TEXT PRIMARY KEY,
  -- NULL: nobody has set one.
  policy TEXT,
  pass_wanted INTEGER NOT NULL DEFAULT 0 CHECK (pass_wanted IN (0, 1)),
  last_pass_at INTEGER,
  last_pass_message TEXT,
  last_pass_failed INTEGER NOT NULL DEFAULT 0 CHECK (last_pass_failed IN (0, 1))
) STRICT;

-- Backups that were taken off the list and whose files have yet to go: whoever is killed in between goes on from here.
CREATE TABLE removals (
  backup_id TEXT PRIMARY KEY,
  service_id TEXT NOT NULL,
  decided_at INTEGER NOT NULL
) STRICT;

-- How many backups began in each hour, each day and altogether, of each service and, under the id '', of all: counting rows,
-- or skipping them to a page in the middle, takes longer the more there are. A span is in milliseconds, the longest holds all.
CREATE TABLE backup_counts (
  service_id TEXT NOT NULL,
  span INTEGER NOT NULL,
  began INTEGER NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (service_id, span, began, type, status)
) STRICT, WITHOUT ROWID;
CREATE TABLE backup_count_spans (span INTEGER PRIMARY KEY) STRICT;
INSERT INTO backup_count_spans VALUES (${countSpans.hour}), (${countSpans.day}), (${countSpans.all});
CREATE TRIGGER backup_is_counted AFTER INSERT ON backups BEGIN
  ${countIn}
END;
CREATE TRIGGER backup_is_counted_out AFTER DELETE ON backups BEGIN
  ${countOut}
END;
CREATE TRIGGER backup_is_counted_anew AFTER UPDATE OF service_id, type, status, start_time ON backups BEGIN
  ${countOut}
  ${countIn}
END;

CREATE TABLE restores (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  service_id TEXT NOT NULL,
  service_name TEXT NOT NULL,
  source_service_id TEXT NOT NULL,
  backup_id TEXT NOT NULL,
  bucket TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('physical', 'logical')),
  -- 'new': a service was made, and nothing was replaced.
  target TEXT NOT NULL CHECK (target IN ('existing', 'new')),
  status TEXT NOT NULL,
  message TEXT NOT NULL,
  job_id INTEGER,
  plan_id TEXT,
  new_incarnation TEXT NOT NULL,
  downtime_ms INTEGER,
  kept_data TEXT,
  kept_until INTEGER,
  -- Of an undo: the restore that it takes back. Its backup_id is empty.
  undo_of INTEGER,
  users_from TEXT,
  warnings TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE INDEX restores_by_service ON restores (service_id);
CREATE INDEX restores_by_type ON restores (type);
CREATE INDEX restores_running ON restores (service_id) WHERE status IN ('Scheduled', 'Running');
CREATE INDEX restores_by_source ON restores (source_service_id, id) WHERE status = 'Succeeded' AND undo_of IS NULL;

${contentsTables}

${proofTables}

-- How many schedules and restores there are, of each service and type.
CREATE TABLE list_counts (
  list TEXT NOT NULL,
  service_id TEXT NOT NULL,
  type TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (list, service_id, type)
) STRICT, WITHOUT ROWID;
${['schedules', 'restores'].map(countList).join('')}

${accessTables}`,
  `
-- Of a one-time backup that nobody asked for: the restore or undo after which it is taken.
ALTER TABLE schedules ADD COLUMN after_restore INTEGER;
`,
  `
-- Of a dump that is imported into a running server, which no undo takes back: how far it came, and the dump of before.
ALTER TABLE restores ADD COLUMN import TEXT CHECK (import IN ('untouched', 'begun'));
ALTER TABLE restores ADD COLUMN safety_backup TEXT;
`,
  // Which storage holds a backup, or files of one that was deleted; of a schedule, NULL: the service's default.
  `
ALTER TABLE backups ADD COLUMN storage TEXT NOT NULL DEFAULT 'local';
ALTER TABLE removals ADD COLUMN storage TEXT NOT NULL DEFAULT 'local';
ALTER TABLE schedules ADD COLUMN storage TEXT;`,
  // The GTID state that the history after a restore begins with: these transactions are of earlier ones.
  'ALTER TABLE restores ADD COLUMN gtids TEXT;',
  `
-- Until when an object lock keeps the files, whoever asks.
ALTER TABLE removals ADD COLUMN not_before INTEGER;`,
  `
-- A key that another made says no yes to what that one asked for.
ALTER TABLE keys ADD COLUMN created_by TEXT;
CREATE INDEX audit_by_time ON audit (at);`,
];
