import { existsSync } from 'node:fs';
import { toSkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import type { EngineContext } from './engine-context.ts';
import { managedLayout } from './managed/layout.ts';
import {
  finishServiceFolder,
  readUnfinished,
  removeServiceFolder,
  sweepServiceFolders,
} from './restore/service-folder.ts';
import { exchangeable } from './services/exchangeable.ts';

/** Removes the new services that a killed daemon had not registered yet, with their servers and data. */
export async function recoverNewServices(context: EngineContext): Promise<void> {
  const { home, state, log } = context;
  await sweepServiceFolders(home);
  for (const { id } of exchangeable(context)) {
    try {
      const layout = managedLayout(home, id);
      const unfinished = readUnfinished(layout);
      if (unfinished === undefined) continue;
      // Begun under a state that is lost: it may have been registered there, so data that are whole stay.
      const foreign = unfinished.instance !== state.instance && existsSync(layout.data);
      if (foreign || state.services.get(id) !== undefined) {
        finishServiceFolder(layout);
        continue;
      }
      await removeServiceFolder(home, id);
      for (const row of state.restores.runningOf(id)) {
        state.restores.end(row.id, {
          status: 'Failed',
          message: `The daemon ended while the service ${id} was being made. Nothing of it is left.`,
        });
      }
      log('warn', 'an unfinished new service was removed', { service: id });
    } catch (error) {
      log('error', 'an unfinished new service could not be removed', {
        service: id,
        error: redact(toSkybackupError(error).message),
      });
    }
  }
}
