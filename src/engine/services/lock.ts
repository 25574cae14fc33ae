import { SkybackupError } from '../../contract/errors.ts';
import type { LockRequest, Service, ServiceLock } from '../../contract/services.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { present, rfc3339 } from '../store/rows.ts';
import type { StoredLock, StoredService } from '../store/services-table.ts';
import { findService } from './find-service.ts';
import { serviceView } from './service-view.ts';

/**
 * Closes a service to every plan: restores onto it, stops, deletes, weaker protection. What was approved before is void, so
 * that no old yes comes to life when the lock ends. Locked again, the newer words hold.
 */
export function lockService(
  context: EngineContext,
  idOrFqdn: string,
  request: LockRequest,
  by: string,
): Promise<Service> {
  const { state, clock } = context;
  const { id } = findService(state, idOrFqdn);
  const since = new Date(clock.now());
  const until = request.until === undefined ? undefined : new Date(request.until);
  if (until !== undefined && until <= since) {
    throw new SkybackupError('invalid_request', `until: ${toRfc3339(until)} has passed; it is ${toRfc3339(since)}.`);
  }
  state.transaction(() => {
    state.services.setLock(id, { since, until, reason: request.reason, by });
    for (const plan of state.plans.list()) {
      const open = plan.status === 'pending' || plan.status === 'approved';
      if (open && plan.facts.service_id === id) state.plans.decline(plan.id, 'cancelled');
    }
  });
  return serviceView(context, findService(state, id));
}

/** Takes the lock away; one that is not there, or ended by itself, is no error. */
export function unlockService(context: EngineContext, idOrFqdn: string): Promise<Service> {
  const { state } = context;
  const { id } = findService(state, idOrFqdn);
  state.services.setLock(id, undefined);
  return serviceView(context, findService(state, id));
}

/** Throws `locked` with until when and why. */
export function refuseLocked(context: EngineContext, serviceId: string): void {
  const service = context.state.services.get(serviceId);
  const lock = service && holdingLock(context, service);
  if (lock === undefined) return;
  const until = lock.until === undefined ? '' : ` until ${toRfc3339(lock.until)}`;
  const reason = lock.reason === undefined ? '' : `: ${lock.reason}`;
  throw new SkybackupError('locked', `Service ${serviceId} is locked${until}${reason}. Nothing was done.`, {
    hint: `Backups of it go on. An administrator unlocks it at the command line with "skybackup services unlock ${serviceId}"; no tool can.`,
    details: { service_id: serviceId, ...present({ until: rfc3339(lock.until), reason: lock.reason }) },
  });
}

export function isLocked(context: EngineContext, serviceId: string): boolean {
  const service = context.state.services.get(serviceId);
  return service !== undefined && holdingLock(context, service) !== undefined;
}

/** The lock as the API shows it; undefined when there is none, or its time is over. */
export function lockView(context: EngineContext, service: StoredService): ServiceLock | undefined {
  const lock = holdingLock(context, service);
  if (lock === undefined) return undefined;
  const { since, until, reason, by } = lock;
  return { since: toRfc3339(since), by, ...present({ until: rfc3339(until), reason }) };
}

function holdingLock({ clock }: EngineContext, { lock }: StoredService): StoredLock | undefined {
  return lock === undefined || (lock.until !== undefined && lock.until.getTime() <= clock.now()) ? undefined : lock;
}
