import type { Manifest, StoredObject } from '../../../src/engine/repository/manifest.ts';
import { backupPrefix } from '../../../src/engine/repository/manifest.ts';

/** The 32 hex digits of a backup id made from a small number. */
export function backupIdOf(number: number, serviceId = 'shop'): string {
  return `${number.toString(16).padStart(32, '0')}:${serviceId}:server-1`;
}

export function objectKeyOf(id: string, serviceId = 'shop'): string {
  return `${backupPrefix(serviceId, id)}/data.xbstream.zst`;
}

/** A whole manifest around an object, for tests that need no real backup. */
export function sampleManifest(id: string, object: StoredObject, serviceId = 'shop'): Manifest {
  return {
    format: 1,
    id,
    service_id: serviceId,
    service_name: serviceId,
    server_pod: 'server-1',
    type: 'full',
    method: 'mariabackup',
    incarnation: 'incarnation-1',
    parent: null,
    full: null,
    lsn: { from: '0', to: '9007199254740993', last: '9007199254740994' },
    binlog: { file: 'binlog.000001', position: 344, gtid: '0-1-4' },
    server: { version: '10.11.19-MariaDB', server_id: 1, hostname: 'here', options: { innodb_page_size: '16384' } },
    tool_version: '10.11.19',
    tables: [{ schema: 'shop', name: 't', engine: 'InnoDB', rows: 1, bytes: 16384 }],
    started_at: '2026-11-22T10:00:00Z',
    ended_at: '2026-11-22T10:00:05Z',
    point_in_time: '2026-11-22T10:00:04Z',
    objects: [object],
    disk_bytes: 12345,
    compression: 'zstd',
    encryption: null,
  };
}
