import { SkybackupError } from '../../contract/errors.ts';
import type { Service } from '../../contract/services.ts';
import { controlOf, type ServerControl } from '../control/server-control.ts';
import type { Asker, EngineContext } from '../engine-context.ts';
import { carryOutPlanned, type PlannedAction } from '../plans/carry-out.ts';
import { lanes } from '../store/jobs-table.ts';
import type { KnownServer, StoredService } from '../store/services-table.ts';
import { findService } from './find-service.ts';
import { readKnownServer } from './known-server.ts';
import { serviceState } from './service-state.ts';
import { viewOf } from './service-view.ts';

/** A crash recovery of much redo, or the last pages of a large memory, take their time. */
const timeoutMs = 300_000;

/** Starts or stops a service; returns once the job is accepted. Stopping is destructive: it needs a plan or an administrator. */
export async function setPower(
  context: EngineContext,
  idOrFqdn: string,
  active: boolean,
  asker: Asker,
): Promise<Service> {
  const service = findService(context.state, idOrFqdn);
  const control = controlOf(context.home, service);
  const state = await serviceState(context, service);
  const wanted = active ? 'ready' : 'stopped';
  // A plan is used up all the same: what was approved holds, and it must not be carried out later.
  if (state.status === wanted && asker.planId === undefined) return viewOf(context, service, state);
  if (active) start(context, service, control);
  else await stop(context, service, control, asker);
  return viewOf(context, service, { ...state, status: active ? 'pending_start' : 'pending_stop' });
}

function start(context: EngineContext, service: StoredService, control: ServerControl): void {
  const { jobs, state } = context;
  jobs.reserve({ kind: 'start', service_id: service.id, lanes }).start({
    async run(job) {
      job.phase('starting');
      await control.start({ timeoutMs, signal: job.signal, warn: (message) => job.warn(message) });
      return knownUnlessDenied(service, job.signal);
    },
    succeeded(server) {
      if (server !== undefined) state.services.setServer(service.id, server);
      return `Service ${service.id} runs${server === undefined ? ', and refuses the login of skybackup' : ''}.`;
    },
    failed: () => undefined,
  });
}

/** A server that was proven to run and refuses our login was started all the same. */
async function knownUnlessDenied(service: StoredService, signal: AbortSignal): Promise<KnownServer | undefined> {
  try {
    return await readKnownServer(service.connection, signal);
  } catch (error) {
    if (error instanceof SkybackupError && error.code === 'access_denied') return undefined;
    throw error;
  }
}

async function stop(
  context: EngineContext,
  service: StoredService,
  control: ServerControl,
  asker: Asker,
): Promise<void> {
  const action: PlannedAction = { operation: 'stop_service', arguments: { service_id: service.id } };
  const job = context.jobs.reserve({ kind: 'stop', service_id: service.id, lanes });
  try {
    await carryOutPlanned(context, action, asker, job.row.id, () => undefined);
  } catch (error) {
    job.abandon();
    throw error;
  }
  job.start({
    async run(work) {
      work.phase('stopping');
      await control.stop({ timeoutMs, signal: work.signal, warn: (message) => work.warn(message) });
    },
    succeeded: () => `Service ${service.id} is stopped.`,
    failed: () => undefined,
  });
}
