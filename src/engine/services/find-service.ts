import { SkybackupError } from '../../contract/errors.ts';
import { serviceIdOf } from '../../contract/ids.ts';
import type { StoredService } from '../store/services-table.ts';
import type { StateStore } from '../store/state-store.ts';

/** The service of that id or fully qualified name. Throws `not_found`. */
export function findService(state: StateStore, idOrFqdn: string): StoredService {
  const service = state.services.get(serviceIdOf(idOrFqdn));
  if (service === undefined) throw new SkybackupError('not_found', `There is no service "${idOrFqdn.slice(0, 300)}".`);
  return service;
}
