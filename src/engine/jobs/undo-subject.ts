import { SkybackupError } from '../../contract/errors.ts';
import { toRfc3339 } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { findRestore } from '../plans/delete-restore-operation.ts';
import { placeOf } from '../restore/data-place.ts';
import { type KeptData, listKeptData } from '../restore/kept-data.ts';
import { findService } from '../services/find-service.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import type { StoredService } from '../store/services-table.ts';
import { safetyBackup } from './import-left.ts';

export interface UndoSubject {
  restore: RestoreRow;
  target: StoredService;
  kept: KeptData;
}

/** What there is to put back of a restore. Throws `not_found`, and `nothing_to_undo` saying why there is nothing. */
export function resolveUndo(context: EngineContext, restoreId: number): UndoSubject {
  const restore = findRestore(context, restoreId);
  const nothing = (why: string): SkybackupError =>
    new SkybackupError('nothing_to_undo', `Restore ${restoreId} cannot be undone: ${why}.`);
  if (restore.target === 'new') {
    throw new SkybackupError(
      'nothing_to_undo',
      `Restore ${restoreId} made a service of its own and replaced nothing.`,
      {
        hint: `A person removes that service with "skybackup services remove ${restore.service_id}".`,
      },
    );
  }
  if (restore.import !== undefined) {
    const safety = safetyBackup(context.state, restore);
    throw new SkybackupError(
      'nothing_to_undo',
      `Restore ${restoreId} imported a dump into the running server of ${restore.service_id}, of which no data of before are kept.`,
      {
        hint:
          safety === undefined
            ? 'It took no safety dump, or that is gone: restore another backup onto it.'
            : `To go back, restore its safety dump ${safety} onto ${restore.service_id}.`,
      },
    );
  }
  if (restore.status !== 'Succeeded') throw nothing(`it is ${restore.status}, and its target has its own data`);
  const target = findService(context.state, restore.service_id);
  const kept = listKeptData(placeOf(context.home, target)).find((each) => each.restore_id === restoreId);
  const { kept_until } = restore;
  if (kept !== undefined && Date.parse(kept.kept_until) > context.clock.now()) return { restore, target, kept };
  if (restore.kept_data === undefined && kept_until === undefined) throw nothing('there were no data before it');
  throw nothing(
    kept_until !== undefined && kept_until.getTime() <= context.clock.now()
      ? `the data of before it were kept until ${toRfc3339(kept_until)}`
      : 'the data of before it are no longer kept: they were put back already, or a person removed them',
  );
}
