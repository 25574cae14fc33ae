import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { parsePointInTime, toPointInTime } from '../../contract/time.ts';
import type { ChainLink } from '../chain/chain.ts';
import { releaseOf } from '../mariadb/version.ts';
import { backupPrefix, type Manifest, storedBytes } from '../repository/manifest.ts';
import { type BackupFilter, backupPages } from './backup-pages.ts';
import { countSpans } from './migrations.ts';
import { type FoundPage, optional, type RowPage, texts, time } from './rows.ts';

const BackupRow = z.object({
  id: z.string(),
  service_id: z.string(),
  service_name: z.string(),
  server_pod: z.string(),
  type: z.string(),
  method: z.string(),
  status: z.string(),
  message: optional(z.string()),
  incarnation: optional(z.string()),
  reference_full_backup: z.string(),
  parent: optional(z.string()),
  from_lsn: optional(z.string()),
  to_lsn: optional(z.string()),
  point_in_time: optional(z.string()),
  server_version: optional(z.string()),
  start_time: time,
  end_time: optional(time),
  storage_bytes: optional(z.number()),
  disk_bytes: optional(z.number()),
  binlog_file: optional(z.string()),
  binlog_position: optional(z.number()),
  binlog_gtid: optional(z.string()),
  unfit: optional(z.string()),
  job_id: optional(z.number()),
  storage: z.string(),
  warnings: texts,
});
const UsedStorage = z.object({ storage: z.string(), service_id: z.string(), backups: z.number(), bytes: z.number() });
const ListedRow = z.object({ id: z.string(), listing: optional(z.string()) });
const RunningRow = z.object({ id: z.string(), service_id: z.string() });
export type BackupRow = z.infer<typeof BackupRow>;

export interface ListedBackup {
  id: string;
  folder: string;
  listing: string | undefined;
}

export interface NewBackup {
  id: string;
  service_id: string;
  service_name: string;
  type: string;
  method: string;
  job_id: number;
  storage: string;
}

/** What the repository holds, and what was tried, for quick listing. */
export function backupsIndex(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    `INSERT INTO backups (id, service_id, service_name, server_pod, type, method, status, start_time, job_id, storage)
     VALUES (?, ?, ?, ?, ?, ?, 'Running', ?, ?, ?)`,
  );
  const publish = db.prepare(
    `INSERT INTO backups (id, service_id, service_name, server_pod, type, method, status, message, incarnation, reference_full_backup,
       parent, from_lsn, to_lsn, point_in_time, server_version, start_time, end_time, storage_bytes, disk_bytes,
       binlog_file, binlog_position, binlog_gtid, unfit, storage)
     VALUES (?, ?, ?, ?, ?, ?, 'Succeeded', NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, 'local'))
     ON CONFLICT (id) DO UPDATE SET storage = CASE WHEN backups.status = 'Failed' THEN excluded.storage ELSE backups.storage END, status = 'Succeeded', message = NULL, type = excluded.type, method = excluded.method,
       incarnation = excluded.incarnation, reference_full_backup = excluded.reference_full_backup,
       parent = excluded.parent, from_lsn = excluded.from_lsn, to_lsn = excluded.to_lsn,
       point_in_time = excluded.point_in_time, server_version = excluded.server_version, start_time = excluded.start_time, end_time = excluded.end_time,
       storage_bytes = excluded.storage_bytes, disk_bytes = excluded.disk_bytes, binlog_file = excluded.binlog_file,
       binlog_position = excluded.binlog_position, binlog_gtid = excluded.binlog_gtid, unfit = excluded.unfit`,
  );
  const one = db.prepare('SELECT * FROM backups WHERE id = ?');
  const end = db.prepare('UPDATE backups SET status = ?, message = ?, end_time = ? WHERE id = ?');
  const forget = db.prepare("DELETE FROM backups WHERE id = ? AND status = 'Running'");
  const warn = db.prepare('UPDATE backups SET warnings = ? WHERE id = ?');
  const setMessage = db.prepare('UPDATE backups SET message = ? WHERE id = ?');
  const lastGood = db.prepare(
    // Binary logs only roll another backup forward.
    `SELECT * FROM backups WHERE service_id = ? AND status = 'Succeeded' AND type <> 'binarylog'
     ORDER BY start_time DESC, rowid DESC LIMIT 1`,
  );
  const setListing = db.prepare('UPDATE backups SET listing = ? WHERE id = ?');
  const listings = db.prepare(
    "SELECT id, listing FROM backups WHERE service_id = ? AND status = 'Succeeded' AND storage = ?",
  );
  const storage = db.prepare('SELECT storage FROM backups WHERE id = ?');
  const isUsed = db.prepare(
    "SELECT 1 FROM backups WHERE service_id = ? AND status = 'Succeeded' AND storage = ? LIMIT 1",
  );
  const used = db.prepare(
    `SELECT storage, service_id, count(*) AS backups, coalesce(sum(storage_bytes), 0) AS bytes FROM backups
     WHERE status = 'Succeeded' GROUP BY storage, service_id ORDER BY storage, service_id`,
  );
  const forgetStorage = db.prepare('DELETE FROM backups WHERE storage = ?');
  const forgetGood = db.prepare("DELETE FROM backups WHERE storage = ? AND status = 'Succeeded'");
  // The counts know them all, and are few.
  const services = db.prepare(
    `SELECT DISTINCT service_id AS id FROM backup_counts WHERE span = ${countSpans.all} AND service_id <> '' ORDER BY 1`,
  );
  // An id begins with the folder's name and a colon; a semicolon comes right after that.
  const inFolder = db.prepare(
    "SELECT status FROM backups WHERE id > ?1 || ':' AND id < ?1 || ';' AND service_id = ?2 LIMIT 1",
  );
  const physical = db.prepare(
    // Manifests tell whole seconds: of two backups within one, the row that came later is the newer.
    `SELECT * FROM backups WHERE service_id = ? AND incarnation = ? AND status = 'Succeeded' AND type IN ('full', 'incremental')
       AND storage = ?
     ORDER BY start_time DESC, rowid DESC`,
  );
  // In small letters, as its index has it.
  const running = db.prepare("SELECT id, service_id FROM backups WHERE lower(status) = 'running'");
  const ofService = db.prepare('SELECT * FROM backups WHERE service_id = ?');
  const remove = db.prepare('DELETE FROM backups WHERE id = ?');
  const gtids = db.prepare(
    "SELECT DISTINCT binlog_gtid AS gtids FROM backups WHERE service_id = ? AND binlog_gtid IS NOT NULL AND binlog_gtid <> ''",
  );

  const page = backupPages(db);
  const read = ({ rows, count, pages }: FoundPage): RowPage<BackupRow> => ({
    items: rows.map((row) => BackupRow.parse(row)),
    count,
    pages,
  });

  const watchers = new Set<Set<string>>();
  return {
    begin(backup: NewBackup): void {
      const { id, service_id, service_name, type, method, job_id, storage } = backup;
      insert.run(id, service_id, service_name, id.split(':')[2] ?? service_id, type, method, now(), job_id, storage);
    },
    /**
     * The manifest is the truth: whatever the row said, this backup is there. `foundIn` is the storage it was found in; one that
     * a job has taken is where its row says.
     */
    publish(manifest: Manifest, foundIn?: string): void {
      publish.run(
        manifest.id,
        manifest.service_id,
        manifest.service_name,
        manifest.server_pod,
        manifest.type,
        manifest.method,
        manifest.incarnation,
        manifest.full ?? '',
        manifest.parent,
        manifest.lsn?.from ?? null,
        manifest.lsn?.to ?? null,
        contractTime(manifest.point_in_time),
        manifest.server.version,
        Date.parse(manifest.started_at),
        Date.parse(manifest.ended_at),
        storedBytes(manifest),
        manifest.disk_bytes,
        manifest.binlog?.file ?? null,
        manifest.binlog?.position ?? null,
        manifest.binlog?.gtid ?? null,
        manifest.unfit_for_point_in_time ?? null,
        foundIn ?? null,
      );
    },
    end: (id: string, status: 'Failed' | 'Cancelled', message: string): void =>
      void end.run(status, message, now(), id),
    /** Takes out a backup that was begun and turned out not to be needed. */
    forget: (id: string): void => void forget.run(id),
    /** Of a good backup: why it was taken. */
    setMessage: (id: string, message: string): void => void setMessage.run(message, id),
    setWarnings: (id: string, warnings: readonly string[]): void => void warn.run(JSON.stringify(warnings), id),
    get(id: string): BackupRow | undefined {
      const row = one.get(id);
      return row && BackupRow.parse(row);
    },
    /** The newest that can be restored by itself. */
    lastGood(serviceId: string): BackupRow | undefined {
      const row = lastGood.get(serviceId);
      return row && BackupRow.parse(row);
    },
    setListing: (id: string, listing: string): void => void setListing.run(listing, id),
    /** Of every backup of a service that is there, in one storage: the folder it lies in, and what lay there. */
    listingsOf: (serviceId: string, storage: string): ListedBackup[] =>
      listings.all(serviceId, storage).map((row) => {
        const { id, listing } = ListedRow.parse(row);
        return { id, folder: backupPrefix(serviceId, id), listing };
      }),
    /** Ids of the services that have a backup on the list, registered or not. */
    serviceIds: (): string[] => services.all().map((row) => z.object({ id: z.string() }).parse(row).id),
    /** The status of the backup whose folder this is; undefined when none is on the list. */
    statusIn(serviceId: string, folder: string): string | undefined {
      const row = inFolder.get(folder.slice(folder.lastIndexOf('/') + 1), serviceId);
      return row && z.object({ status: z.string() }).parse(row).status;
    },
    /** Collects the ids of the backups that leave the list until `end`. */
    watchRemovals(): { removed: ReadonlySet<string>; end(): void } {
      const removed = new Set<string>();
      watchers.add(removed);
      return { removed, end: () => void watchers.delete(removed) };
    },
    /**
     * Full and incremental backups of one incarnation that are published in one storage, newest first; read as far as they are
     * asked for. Chains stay within a storage: each is whole by itself.
     */
    *physicalOf(serviceId: string, incarnation: string, storage: string): Generator<ChainLink> {
      for (const row of physical.iterate(serviceId, incarnation, storage)) yield chainLink(BackupRow.parse(row));
    },
    /** Where a published backup stands in its chain. */
    linkOf(id: string): ChainLink | undefined {
      const row = one.get(id);
      return row?.status === 'Succeeded' ? chainLink(BackupRow.parse(row)) : undefined;
    },
    storageOf(id: string): string | undefined {
      const row = storage.get(id);
      return row && z.object({ storage: z.string() }).parse(row).storage;
    },
    isUsedBy: (storage: string, serviceId: string): boolean => isUsed.get(serviceId, storage) !== undefined,
    /** How many good backups of which service lie in which storage, and their bytes. */
    usedStorages: () => used.all().map((row) => UsedStorage.parse(row)),
    /** Takes the backups of a storage off the list; they stay where they are. */
    forgetStorage: (storage: string): void => void forgetStorage.run(storage),
    /** Only what can be found there again: tries that failed are known from here alone. */
    forgetGood: (storage: string): void => void forgetGood.run(storage),
    running: (): { id: string; service_id: string }[] => running.all().map((row) => RunningRow.parse(row)),
    /** Every GTID position any backup of a service recorded. */
    gtidsOf: (serviceId: string): string[] =>
      gtids.all(serviceId).map((row) => z.object({ gtids: z.string() }).parse(row).gtids),
    /** Every backup of a service and every try, in no order. */
    of: (serviceId: string): BackupRow[] => ofService.all(serviceId).map((row) => BackupRow.parse(row)),
    /** Takes a backup off the list. */
    remove(id: string): void {
      remove.run(id);
      for (const removed of watchers) removed.add(id);
    },
    /** Rows that another look-up found, read as this index reads its own. */
    read,
    list: (query: BackupFilter): RowPage<BackupRow> => read(page(query)),
  };
}

function chainLink(row: BackupRow): ChainLink {
  const {
    id,
    service_id,
    type,
    incarnation = '',
    server_version = '',
    parent,
    reference_full_backup,
    from_lsn,
    to_lsn,
  } = row;
  return {
    id,
    service_id,
    type,
    incarnation,
    version: releaseOf(server_version),
    parent: parent ?? null,
    full: reference_full_backup === '' ? null : reference_full_backup,
    lsn: from_lsn === undefined || to_lsn === undefined ? null : { from: from_lsn, to: to_lsn },
  };
}

/** Manifests carry RFC 3339; the contract shows the recovery point in its own form. */
function contractTime(text: string): string {
  const moment = parsePointInTime(text) ?? new Date(text);
  return Number.isNaN(moment.getTime()) ? text : toPointInTime(moment);
}
