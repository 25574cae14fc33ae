import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { startManagedServer, stopManagedServer } from '../managed/managed-server.ts';
import { carryOutPlanned, type PlannedAction } from '../plans/carry-out.ts';
import { lanes } from '../store/jobs-table.ts';
import type { StoredService } from '../store/services-table.ts';
import { findService } from './find-service.ts';
import { readKnownServer } from './known-server.ts';
import { serviceState } from './service-state.ts';
import { viewOf } from './service-view.ts';

/** Starts or stops a managed service; returns once the job is accepted. Stopping is destructive: it needs a plan or an administrator. */
export async function setPower(
  context: EngineContext,
  idOrFqdn: string,
  active: boolean,
  asker: Asker,
): Promise<Service> {
  const service = findService(context.state, idOrFqdn);
  if (service.control.kind !== 'managed') {
    throw new SkybackupError(
      'unsupported',
      `Service ${service.id} was registered from outside (${service.control.kind}): only managed services are started and stopped here.`,
      { hint: 'Start and stop it with the tools of its machine.' },
    );
  }
  const state = await serviceState(context, service);
  const wanted = active ? 'ready' : 'stopped';
  // A plan is used up all the same: what was approved holds, and it must not be carried out later.
  if (state.status === wanted && asker.planId === undefined) return viewOf(context, service, state);
  if (active) start(context, service);
  else await stop(context, service, asker);
  return viewOf(context, service, { ...state, status: active ? 'pending_start' : 'pending_stop' });
}

function start(context: EngineContext, service: StoredService): void {
  const { home, jobs, state } = context;
  jobs.reserve({ kind: 'start', service_id: service.id, lanes }).start({
    async run(job) {
      job.phase('starting');
      await startManagedServer(home, service, job.signal);
      return readKnownServer(service.connection, job.signal);
    },
    succeeded(server) {
      state.services.setServer(service.id, server);
      return `Service ${service.id} runs.`;
    },
    failed: () => undefined,
  });
}

async function stop(context: EngineContext, service: StoredService, asker: Asker): Promise<void> {
  const { home, jobs } = context;
  const action: PlannedAction = { operation: 'stop_service', arguments: { service_id: service.id } };
  const job = jobs.reserve({ kind: 'stop', service_id: service.id, lanes });
  try {
    await carryOutPlanned(context, action, asker, job.row.id, () => undefined);
  } catch (error) {
    job.abandon();
    throw error;
  }
  job.start({
    async run(work) {
      work.phase('stopping');
      await stopManagedServer(home, service, work.signal);
    },
    succeeded: () => `Service ${service.id} is stopped.`,
    failed: () => undefined,
  });
}
