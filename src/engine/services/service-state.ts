import { toSkybackupError } from '../../contract/errors.ts';
import type { Home } from '../../contract/home.ts';
import { redact } from '../../contract/redact.ts';
import type { ServiceStatus } from '../../contract/status.ts';
import { serverIn } from '../control/seen-server.ts';
import { type UnitState, unitState } from '../control/systemd-control.ts';
import type { EngineContext } from '../engine-context.ts';
import { managedStatus } from '../managed/managed-server.ts';
import { connect } from '../mariadb/connect.ts';
import { isBeingExchanged } from '../restore/data-place.ts';
import type { StoredService } from '../store/services-table.ts';
import { checkKnownServer } from './known-server.ts';

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
  service: StoredService,
  /** A power job that does not count: it belongs to whoever asks, and has not begun. */
  exceptJob?: number,
): Promise<ServiceState> {
  const { home } = context;
  const state = service.control.kind === 'managed' ? await managedStatus(home, service) : await probe(home, service);
  const active = context.state.jobs.activeOf(service.id).filter((job) => job.id !== exceptJob);
  const power = active.find((job) => job.kind === 'start' || job.kind === 'stop');
  // Until its job has ended: whoever sees `ready` or `stopped` may go on at once, and no lane is held any more.
  return power === undefined ? state : { ...state, status: power.kind === 'start' ? 'pending_start' : 'pending_stop' };
}

async function probe(home: Home, service: StoredService): Promise<ServiceState> {
  try {
    const server = await connect(service.connection, { timeoutMs: probeMs });
    try {
      if (service.datadir === undefined) await checkKnownServer(service, server);
      return { status: 'ready' };
    } finally {
      await server.close();
    }
  } catch (error) {
    const failure = toSkybackupError(error);
    const message = redact(failure.message);
    // A server that refuses our login, or has no connection left, runs: calling it stopped would send people the wrong way.
    if (failure.code === 'access_denied' || failure.details.errno === noFreeConnection)
      return { status: 'ready', message };
    if (failure.code !== 'service_down') return { status: 'unknown', message };
    return { message, ...(await silent(home, service)) };
  }
}

const noFreeConnection = 1040;

/** Of a server that does not answer: what its unit says, else whether a process is there. */
async function silent(home: Home, service: StoredService): Promise<ServiceState> {
  const { control, datadir } = service;
  if (isBeingExchanged(home, service)) {
    return { status: 'pending_modifying', message: 'A restore is exchanging the data of this service.' };
  }
  if (control.kind === 'systemd') {
    const state = unitStates[await unitState(control.unit, probeMs)];
    if (state !== undefined) return state;
  }
  const process = datadir === undefined ? undefined : serverIn(datadir);
  if (process === undefined) return { status: 'stopped' };
  return {
    status: 'unknown',
    message: `Process ${process.pid} works in its data directory and does not answer: it may be starting, stopping, or hang.`,
  };
}

/** A unit that is inactive, or cannot be asked for, says nothing more than the silence. */
const unitStates: Partial<Record<UnitState, ServiceState>> = {
  active: { status: 'failed', message: 'systemd says that its unit runs, and the server does not answer.' },
  activating: { status: 'pending_start', message: 'systemd is starting its unit.' },
  deactivating: { status: 'pending_stop', message: 'systemd is stopping its unit.' },
  failed: { status: 'failed', message: 'systemd says that its unit has failed: "systemctl status" tells more.' },
};
