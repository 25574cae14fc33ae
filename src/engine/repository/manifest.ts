import { z } from 'zod';

const Binlog = z.strictObject({ file: z.string(), position: z.number().int(), gtid: z.string() });

const StoredObject = z.strictObject({
  key: z.string(),
  bytes: z.number().int(),
  block_bytes: z.number().int(),
  /** SHA-256 of each block of `block_bytes` (the last may be shorter). */
  blocks: z.array(z.string()),
});
/** One object of a backup in the store. */
export type StoredObject = z.infer<typeof StoredObject>;

/** One binary log of a `binarylog` backup. GTID states hold the last sequence of every domain and server. */
const ArchivedLog = z.strictObject({
  name: z.string(),
  /** Of its object among `objects`. */
  key: z.string(),
  /** Before compression: as the server's own file. */
  bytes: z.number().int(),
  gtids_before: z.string(),
  gtids_after: z.string(),
  transactions: z.number().int(),
  opened_at: z.string(),
  /** Null when the server died over it. */
  closed_at: z.string().nullable(),
  /**
   * When the first and the newest of its transactions were committed, null without any. `SET timestamp` forges such times:
   * they are kept between opening and closing, and never go back within a range.
   */
  first_event_at: z.string().nullable(),
  last_event_at: z.string().nullable(),
  /** The archived log that it goes on from, proven by its GTIDs; null where a range begins. */
  follows: z.strictObject({ backup_id: z.string(), name: z.string() }).nullable(),
  /** Why a range begins here though logs were archived before. */
  gap: z
    .strictObject({ kind: z.enum(['purged', 'reset', 'renamed', 'server', 'incarnation']), detail: z.string() })
    .nullable(),
});
export type ArchivedLog = z.infer<typeof ArchivedLog>;

/**
 * `manifest.json`: written last, so that no manifest means no backup. The manifests alone are enough to find and restore
 * every backup again. Times RFC 3339; sizes in bytes; LSNs as decimal text (they pass 2^53).
 */
export const Manifest = z.looseObject({
  format: z.literal(1),
  id: z.string(),
  service_id: z.string(),
  service_name: z.string(),
  server_pod: z.string(),
  type: z.enum(['full', 'incremental', 'binarylog', 'dump']),
  method: z.enum(['mariabackup', 'mariadb-dump', 'mariadb-binlog']),
  incarnation: z.string(),
  /** The backup this one builds on, and the full at the chain's root; null for a full. */
  parent: z.string().nullable(),
  full: z.string().nullable(),
  lsn: z.strictObject({ from: z.string(), to: z.string(), last: z.string() }).nullable(),
  binlog: Binlog.nullable(),
  server: z.looseObject({
    version: z.string(),
    server_id: z.number().int(),
    hostname: z.string(),
    /** Options a private server needs to open these files: page size, data file path, character sets, … */
    options: z.record(z.string(), z.string()),
    /** It knew time zones by name. Of a dump, which lacks them: events and expressions may need them. */
    time_zones: z.boolean().optional(),
    /**
     * By what the data directory is known again: its own word for its incarnation, and its system tablespace as a file
     * (inode and time of birth, which a copy does not share). null where there is none.
     */
    data: z.strictObject({ marker: z.string().nullable(), tablespace: z.string().nullable() }).optional(),
  }),
  tool_version: z.string(),
  tables: z.array(
    z.strictObject({
      schema: z.string(),
      name: z.string(),
      engine: z.string().nullable(),
      rows: z.number().nullable(),
      bytes: z.number().nullable(),
    }),
  ),
  started_at: z.string(),
  ended_at: z.string(),
  /** The moment the data is of. */
  point_in_time: z.string(),
  /** Why no binary logs may be rolled forward over it; absent where they may. */
  unfit_for_point_in_time: z.string().optional(),
  /** Everything stored: one stream of data, or one object for each binary log, in their order. */
  objects: z.tuple([StoredObject], StoredObject),
  /** Of a `binarylog` backup only: its logs, each following the one before. */
  logs: z.array(ArchivedLog).optional(),
  /**
   * Of a dump's text: about how long its longest line is, which its largest row makes; the roles that it makes; and the first
   * few of the functions that do not say what they do. A dump that tells these leaves accounts that exist where it is
   * imported their passwords.
   */
  sql: z
    .strictObject({
      longest_line: z.number().int(),
      roles: z.array(z.string()),
      unsafe_functions: z.array(z.string()),
    })
    .optional(),
  /** Bytes before compression: what a restore writes. */
  disk_bytes: z.number().int(),
  compression: z.literal('zstd'),
  encryption: z.strictObject({ kind: z.literal('age'), recipients: z.array(z.string()) }).nullable(),
});
export type Manifest = z.infer<typeof Manifest>;

/** Bytes the backup takes in its store, beside the manifest. */
export function storedBytes(manifest: Pick<Manifest, 'objects'>): number {
  return manifest.objects.reduce((sum, { bytes }) => sum + bytes, 0);
}

export const objectPrefix = 'v1';

/** Folder of one backup: `v1/<service_id>/<32 hex>`. The backup id's other parts repeat the service. */
export function backupPrefix(serviceId: string, backupId: string): string {
  return `${objectPrefix}/${serviceId}/${backupId.split(':')[0]}`;
}
