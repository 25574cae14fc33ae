import { highestGtids } from '../mariadb/gtid.ts';
import type { StateStore } from '../store/state-store.ts';

/**
 * Keeps with a service which GTIDs were handed out, before backups that tell it leave the index: a restore must not hand out
 * one twice.
 */
export function rememberGtids(
  state: Pick<StateStore, 'services' | 'backups' | 'archivedLogs'>,
  serviceId: string,
): void {
  const service = state.services.get(serviceId);
  if (service === undefined) return;
  const known = [...state.backups.gtidsOf(serviceId), ...state.archivedLogs.gtidsOf(serviceId)];
  state.services.setHighestGtids(serviceId, highestGtids(service.highest_gtids, ...known));
}
