import { createHash } from 'node:crypto';

/** What the doubled cloud knows: the records it answers with, written from the documented shapes. */

export type Revision = 'early' | 'new';
type Cloud = 'gcp' | 'aws' | 'azure';

export interface CloudService {
  id: string;
  name: string;
  provider: Cloud;
  region: string;
  topology: string;
  version: string;
  size: string;
  nodes: number;
  status: string;
  is_active: boolean;
  fqdn: string;
  storage: number;
  created_on: number;
}

export interface CloudBackup {
  id: string;
  service_id: string;
  type: string;
  method: string;
  server_pod: string;
  bytes: number;
  reference_full_backup: string;
  point_in_time: string;
  start_time: string;
  end_time: string;
  status: string;
  external: boolean;
}

export interface CloudSchedule {
  id: number;
  service_id: string;
  schedule: string;
  type: string;
  status: string;
  message: string;
  suspended: boolean;
  created_at: string;
  updated_at: string;
  external: boolean;
  /** The double's own memory of the backup this one-time schedule makes; the cloud shows no such link. */
  backup?: CloudBackup;
}

export interface CloudRestore {
  id: number;
  service_id: string;
  bucket: string;
  backup: string;
  type: 'physical' | 'logical';
  status: string;
  message: string;
  created_at: string;
}

export interface CloudWindow {
  service_id: string;
  start_time: string;
  end_time: string;
}

export interface CloudState {
  services: CloudService[];
  backups: CloudBackup[];
  schedules: CloudSchedule[];
  restores: CloudRestore[];
  windows: CloudWindow[];
  nextScheduleId: number;
  nextRestoreId: number;
  /** How far the cloud's clock is ahead of ours. */
  skewMs: number;
}

export const printedBackupId = 'eda3b72460c8c0d9d61a7f01b6a22e32:dbtgf28216706:tx-filip-mdb-ms-0';
const bucket = 'gs://sky-syst0000-backup-us-84e9d84ecf265a/orgpxw1x';

/** The services, the backup, the schedules and the restores whose JSON is printed, as a fresh state. */
export function printedState(): CloudState {
  return {
    services: [
      cloudService('dbtgf28044362', 'orders', 'gcp', 'us-central1'),
      cloudService('dbtgf28216706', 'tx-filip-mdb-ms', 'gcp', 'us-central1'),
      cloudService('dbpgf17106534', 'reports', 'aws', 'us-west-2'),
    ],
    backups: [
      {
        id: printedBackupId,
        service_id: 'dbtgf28216706',
        type: 'full',
        method: 'skybucket',
        server_pod: 'tx-filip-mdb-ms-0',
        bytes: 5_327_326,
        reference_full_backup: '',
        point_in_time: '2024-03-26 17:18:21',
        start_time: '2024-03-26T17:18:57Z',
        end_time: '2024-03-26T17:19:01Z',
        status: 'Succeeded',
        external: false,
      },
    ],
    schedules: [
      schedule(200, 'dbtgf28044362', '0 2 * * *', 'full', now({ skewMs: 0 })),
      schedule(215, 'dbtgf28044362', '0 3 * * *', 'incremental', now({ skewMs: 0 })),
    ],
    restores: [
      {
        id: 13,
        service_id: 'dbtgf28216706',
        bucket,
        backup: 'dda9b72460c9c0d9d61a7f01b6a33e39:dbtgf28216706:tx-filip-mdb-ms-0',
        type: 'physical',
        status: 'Succeeded',
        message: 'Restore has succeeded!',
        created_at: '2024-03-25T09:00:00Z',
      },
    ],
    windows: [{ service_id: 'dbtgf28044362', start_time: '2024-03-25T02:00:00Z', end_time: '2024-03-26T17:00:00Z' }],
    nextScheduleId: 253,
    nextRestoreId: 14,
    skewMs: 0,
  };
}

/** Restore 12 as printed while it runs. */
export function printedRunningRestore(): CloudRestore {
  return {
    id: 12,
    service_id: 'dbtgf28216706',
    bucket,
    backup: printedBackupId,
    type: 'physical',
    status: 'Running',
    message: 'server is not-ready',
    created_at: '2024-03-24T09:00:00Z',
  };
}

export function newRestore(
  id: number,
  serviceId: string,
  backup: string,
  type: CloudRestore['type'],
  created_at: string,
): CloudRestore {
  return {
    id,
    service_id: serviceId,
    bucket,
    backup,
    type,
    status: 'Scheduled',
    message: 'Restore is scheduled.',
    created_at,
  };
}

export function schedule(id: number, serviceId: string, when: string, type: string, created_at: string): CloudSchedule {
  return {
    id,
    service_id: serviceId,
    schedule: when,
    type,
    status: 'Scheduled',
    message: 'Backup is scheduled.',
    suspended: false,
    created_at,
    updated_at: created_at,
    external: false,
  };
}

/** By the cloud's clock. */
export function now({ skewMs }: Pick<CloudState, 'skewMs'>): string {
  return `${new Date(Date.now() + skewMs).toISOString().slice(0, 19)}Z`;
}

/** A service as the cloud makes them, running. */
export function cloudService(id: string, name: string, provider: Cloud, region: string): CloudService {
  return {
    id,
    name,
    provider,
    region,
    topology: 'es-single',
    version: '10.11.9-6-MariaDB-enterprise',
    size: 'sky-2x8',
    nodes: 1,
    status: 'ready',
    is_active: true,
    fqdn: `${id}.sysp0000.db2.skysql.com`,
    storage: 100,
    created_on: 1_711_000_000,
  };
}

/** A whole backup of a service that ended so many minutes ago: what a restore onto it asks for first. */
export function ownBackup(serviceId: string, minutesAgo = 5): CloudBackup {
  const at = `${new Date(Date.now() - minutesAgo * 60_000).toISOString().slice(0, 19)}Z`;
  return {
    id: `${createHash('md5').update(`${serviceId} ${minutesAgo}`).digest('hex')}:${serviceId}:${serviceId}-0`,
    service_id: serviceId,
    type: 'full',
    method: 'skybucket',
    server_pod: `${serviceId}-0`,
    bytes: 5_000_000,
    reference_full_backup: '',
    point_in_time: at.replace('T', ' ').replace('Z', ''),
    start_time: at,
    end_time: at,
    status: 'Succeeded',
    external: false,
  };
}
