import type { Manifest } from '../repository/manifest.ts';
import type { ForeignObject } from './foreign-backup.ts';

/**
 * What a manifest of ours would say of a foreign backup, as far as its object alone tells: so that from here on it is
 * restored as any other. Its address stands for its id, and for the service that it is of.
 */
export function sketchManifest(
  { url, key, bytes, modified }: ForeignObject,
  method: 'mariabackup' | 'mariadb-dump',
  diskBytes = bytes,
): Manifest {
  const at = modified.toISOString();
  return {
    format: 1,
    id: url,
    service_id: url,
    service_name: url,
    server_pod: '',
    type: method === 'mariabackup' ? 'full' : 'dump',
    method,
    incarnation: '',
    parent: null,
    full: null,
    lsn: null,
    binlog: null,
    server: { version: '', server_id: 1, hostname: '', options: {} },
    tool_version: '',
    tables: [],
    started_at: at,
    ended_at: at,
    point_in_time: at,
    objects: [{ key, bytes, block_bytes: bytes, blocks: [] }],
    disk_bytes: diskBytes,
    compression: 'zstd',
    encryption: null,
  };
}
