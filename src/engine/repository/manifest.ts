import { z } from 'zod';

const Binlog = z.strictObject({ file: z.string(), position: z.number().int(), gtid: z.string() });

const StoredObject = z.strictObject({
  key: z.string(),
  bytes: z.number().int(),
  sha256: z.string(),
  block_bytes: z.number().int(),
  /** SHA-256 of each block of `block_bytes` (the last may be shorter). */
  blocks: z.array(z.string()),
});
/** One object of a backup in the store. */
export type StoredObject = z.infer<typeof StoredObject>;

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
  /** Everything stored: one stream of data, or one object for each binary log, in their order. */
  objects: z.tuple([StoredObject], StoredObject),
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
