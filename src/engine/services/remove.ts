import { existsSync } from 'node:fs';
import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import { checkLease } from '../jobs/lease.ts';
import { managedLayout } from '../managed/layout.ts';
import { stopManagedServer } from '../managed/managed-server.ts';
import { removeServiceFolder } from '../restore/service-folder.ts';
import { lanes } from '../store/jobs-table.ts';
import { findService } from './find-service.ts';
import { refuseLocked } from './lock.ts';

/**
 * Stops a managed server, deletes its folder with all data, kept ones included, and takes it off the list; its backups
 * stay. For people alone: `typedId` is the service's id as one of them typed it. Returns once the job is accepted. Throws
 * `invalid_request` when it was not, `unsupported` for servers of others, `locked`.
 */
export function removeService(context: EngineContext, idOrFqdn: string, typedId: string | undefined): number {
  const { state, jobs, home } = context;
  const service = findService(state, idOrFqdn);
  const { id } = service;
  if (service.control.kind !== 'managed') {
    throw new SkybackupError('unsupported', `The data of ${id} are not the daemon's own, so it does not delete them.`, {
      hint: 'To take it off the list, forget it.',
    });
  }
  if (typedId !== id) {
    throw new SkybackupError(
      'invalid_request',
      `typed_id: deleting all data of ${id} needs its id, typed by a person.`,
    );
  }
  refuseLocked(context, id);
  const job = jobs.reserve({ kind: 'remove', service_id: id, lanes });
  job.start({
    async run(work) {
      // Gone already when an earlier removal was killed: then the list is all that is left to do.
      if (existsSync(managedLayout(home, id).root)) {
        work.phase('stopping');
        await stopManagedServer(home, service, work.signal);
        checkLease(context, job.row, work.signal);
        work.phase('removing');
        await removeServiceFolder(home, id);
      }
    },
    succeeded() {
      state.schedules.removeOf(id);
      state.services.remove(id);
      return `Service ${id} and its data are removed. Its backups stay.`;
    },
    failed: () => undefined,
  });
  return job.row.id;
}
