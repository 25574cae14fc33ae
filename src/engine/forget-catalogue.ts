import type { EngineContext } from './engine-context.ts';
import { rememberGtids } from './retention/known-gtids.ts';

/**
 * Forgets the backups of every storage that answers, so that they are found again from their manifests alone. Of the others
 * what is known stays: it cannot be found now. Services, schedules and everything else are no part of it.
 */
export function forgetCatalogue({ state, storages }: Pick<EngineContext, 'state' | 'storages'>): void {
  state.transaction(() => {
    for (const { id } of state.services.list()) rememberGtids(state, id);
    for (const name of storages.names()) if (storages.isInReach(name)) state.backups.forgetGood(name);
    state.setReconciled(false);
  });
}
