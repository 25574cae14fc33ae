import { SkybackupError } from '../../contract/errors.ts';
import type { KeptCopy } from '../../contract/restores.ts';
import type { EngineContext } from '../engine-context.ts';
import type { DiskSpace } from '../health/disk-space.ts';
import { findRestore } from '../plans/delete-restore-operation.ts';
import { placeOf } from '../restore/data-place.ts';
import { listKeptData, removeKeptData } from '../restore/kept-data.ts';
import { findService } from '../services/find-service.ts';
import { busyError } from './job-end.ts';
import { exchangesData } from './kept-data.ts';

/** The data of before restores that are still there, of every service, with what they take. */
export async function keptCopies(context: EngineContext, space: DiskSpace): Promise<KeptCopy[]> {
  const copies: KeptCopy[] = [];
  for (const service of context.state.services.list()) {
    for (const { restore_id, path, kept_at, kept_until } of keptOf(context, service.id)) {
      const bytes = await space.bytesOf(path);
      copies.push({
        restore_id,
        service_id: service.id,
        path,
        ...(bytes === undefined ? {} : { bytes }),
        kept_at,
        kept_until,
      });
    }
  }
  return copies;
}

/**
 * Removes the data of before a restore ahead of their time. For people alone: `typedId` is the service's id as one of them
 * typed it. Throws `nothing_to_undo` when there are none, `conflict` while data of the service are exchanged.
 */
export async function removeKeptCopy(
  context: EngineContext,
  restoreId: number,
  typedId: string | undefined,
): Promise<void> {
  const { state, home } = context;
  const { service_id } = findRestore(context, restoreId);
  const service = findService(state, service_id);
  if (typedId !== service.id) {
    throw new SkybackupError(
      'invalid_request',
      `typed_id: deleting the data of before restore ${restoreId} needs the id of ${service.id}, typed by a person.`,
    );
  }
  const kept = keptOf(context, service.id).find(({ restore_id }) => restore_id === restoreId);
  if (kept === undefined) {
    throw new SkybackupError('nothing_to_undo', `No data of before restore ${restoreId} are kept.`);
  }
  const busy = state.jobs.activeOf(service.id).find(exchangesData);
  if (busy !== undefined) throw busyError(busy);
  state.restores.forgetKept(restoreId);
  await removeKeptData(placeOf(home, service), kept.path);
}

/** A service whose data cannot be exchanged has none. */
function keptOf({ state, home }: EngineContext, serviceId: string) {
  try {
    return listKeptData(placeOf(home, findService(state, serviceId)));
  } catch (error) {
    if (error instanceof SkybackupError) return [];
    throw error;
  }
}
