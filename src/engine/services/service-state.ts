import { toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import type { ServiceStatus } from '../../contract/status.ts';
import type { EngineContext } from '../engine-context.ts';
import { managedStatus } from '../managed/managed-server.ts';
import { connect } from '../mariadb/connect.ts';
import type { ServiceRecord } from '../service.ts';

export interface ServiceState {
  status: ServiceStatus;
  message?: string;
  port?: number;
}

/** A server that does not answer within this is told as not answering; a list must not wait for it. */
const probeMs = 3000;

/** What the real server does at this moment, whatever was noted about it before. */
export async function serviceState(
  context: Pick<EngineContext, 'home' | 'state'>,
  service: ServiceRecord,
  /** A power job that does not count: it belongs to whoever asks, and has not begun. */
  exceptJob?: number,
): Promise<ServiceState> {
  if (service.control.kind !== 'managed') return probe(service);
  const state = await managedStatus(context.home, service);
  const active = context.state.jobs.activeOf(service.id).filter((job) => job.id !== exceptJob);
  const power = active.find((job) => job.kind === 'start' || job.kind === 'stop');
  // Until its job has ended: whoever sees `ready` or `stopped` may go on at once, and no lane is held any more.
  return power === undefined ? state : { ...state, status: power.kind === 'start' ? 'pending_start' : 'pending_stop' };
}

async function probe(service: ServiceRecord): Promise<ServiceState> {
  try {
    await (await connect(service.connection, { timeoutMs: probeMs })).close();
    return { status: 'ready' };
  } catch (error) {
    const { code, message } = toSkybackupError(error);
    if (code === 'service_down') return { status: 'stopped', message: redact(message) };
    // A server that refuses our login runs: calling it stopped would send people the wrong way.
    if (code === 'access_denied') return { status: 'ready', message: redact(message) };
    return { status: 'unknown', message: redact(message) };
  }
}
