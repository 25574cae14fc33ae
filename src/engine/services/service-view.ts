import type { Service } from '../../contract/services.ts';
import type { EngineContext } from '../engine-context.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { StoredService } from '../store/services-table.ts';
import { lockView } from './lock.ts';
import { type ServiceState, serviceState } from './service-state.ts';

/** A service as the contract shows it, true to the real process. */
export async function serviceView(context: EngineContext, service: StoredService): Promise<Service> {
  return viewOf(context, service, await serviceState(context, service));
}

export function viewOf(context: EngineContext, service: StoredService, state: ServiceState): Service {
  const { socket, host } = service.connection;
  const port = state.port ?? service.connection.port;
  const lastGood = context.state.backups.lastGood(service.id);
  const [job] = context.state.jobs.activeOf(service.id);
  return {
    id: service.id,
    name: service.name,
    status: state.status,
    is_active: state.status === 'ready',
    provider: 'self-hosted',
    region: service.server?.hostname ?? '',
    topology: 'standalone',
    size: '',
    nodes: 1,
    endpoints: [present({ name: 'primary', host: host ?? '127.0.0.1', port, socket })],
    created_on: Math.floor(Date.parse(service.created_at) / 1000),
    control: service.control.kind,
    ...present({
      version: service.server?.version,
      datadir: service.datadir,
      copied_from: service.copied_from,
      socket,
      port,
      last_backup_at: rfc3339(lastGood?.end_time),
      message: state.message,
      lock: lockView(context, service),
      job_id: job?.id,
    }),
  };
}
