import type {
  CloudBackup,
  CloudRestore,
  CloudSchedule,
  CloudService,
  CloudState,
  CloudWindow,
  Revision,
} from './cloud-state.ts';

/** Records as each revision of the API prints them. */
export interface Shapes {
  service(record: CloudService): Record<string, unknown>;
  backup(record: CloudBackup): Record<string, unknown>;
  schedule(record: CloudSchedule): Record<string, unknown>;
  restore(record: CloudRestore): Record<string, unknown>;
  window(record: CloudWindow): Record<string, unknown>;
  error(status: number, path: string, error: string, message: string): Record<string, unknown>;
}

const exceptions: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

export function shapesOf(revision: Revision, state: CloudState): Shapes {
  const named = (serviceId: string): Record<string, unknown> => {
    const service = state.services.find((each) => each.id === serviceId);
    return revision === 'early' || !service ? {} : { service_name: service.name, cloud_provider: service.provider };
  };
  return {
    service({ storage, ...record }) {
      return {
        ...record,
        storage_volume: { size: storage, volume_type: 'pd-ssd' },
        endpoints: [{ name: 'primary', ports: [{ name: 'readwrite', port: 3306, purpose: 'readwrite' }] }],
        tier: 'foundation',
        ssl_enabled: true,
      };
    },
    backup({ bytes, external, ...record }) {
      if (revision === 'early') return { ...record, backup_size: bytes };
      return {
        ...record,
        ...named(record.service_id),
        storage_bytes: bytes,
        disk_size: `${(bytes / 1_048_576).toFixed(2)} MiB`,
        disk_size_bytes: bytes * 3,
        binlog_file: 'binlog.000007',
        binlog_position: 4096,
        binlog_gtid_position: '0-1-130',
        is_external_storage: external,
      };
    },
    schedule({ backup: _backup, external: _external, suspended, created_at, updated_at, ...record }) {
      if (revision === 'early') return record;
      return {
        ...record,
        ...named(record.service_id),
        suspended,
        created_at,
        updated_at,
        scheduled_at: created_at,
        labels: { source: 'api' },
      };
    },
    restore({ backup, created_at, ...record }) {
      if (revision === 'early') return { ...record, key: backup };
      const { service_name } = named(record.service_id);
      return { ...record, service_name, backup_id: backup, created_at };
    },
    window(record) {
      const { service_name } = named(record.service_id);
      return { ...record, service_name };
    },
    error(status, path, error, message) {
      const seconds = 1_711_473_537;
      return {
        code: status,
        exception: exceptions[status] ?? 'Error',
        path,
        timestamp: revision === 'early' ? String(seconds) : seconds,
        trace_id: 'b1946ac92492d2347c6235b4d2611184',
        errors: [{ error, message }],
      };
    },
  };
}
