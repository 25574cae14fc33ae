import { toSkybackupError } from '../contract/errors.ts';
import { redact } from '../contract/redact.ts';
import type { EngineContext } from './engine-context.ts';
import { readMarker } from './managed/data-marker.ts';
import { type DataPlace, placeOf, type RestoreTarget } from './restore/data-place.ts';
import { listKeptData } from './restore/kept-data.ts';
import { type RecoveredRestore, recoverRestore } from './restore/recover.ts';
import { wantBackupAfter } from './schedule/after-restore.ts';
import { exchangeable } from './services/exchangeable.ts';
import type { RestoreRow } from './store/restores-table.ts';

/**
 * Finishes or reverses what a killed daemon left half done, for every service whose data may be exchanged, and then says so
 * in the records. The files decide: the state may be older than they are, or gone.
 */
export async function recoverRestores(context: EngineContext): Promise<void> {
  for (const target of exchangeable(context)) {
    const { id } = target;
    let recovered: RecoveredRestore;
    try {
      recovered = await recoverRestore(context.home, target);
    } catch (error) {
      const { message } = toSkybackupError(error);
      context.log('error', 'a restore could not be recovered', { service: id, error: redact(message) });
      for (const row of context.state.restores.runningOf(id)) {
        context.state.restores.end(row.id, {
          status: 'Failed',
          message: `The daemon ended while the restore ran, and it could not be recovered: ${redact(message)}`,
        });
      }
      continue;
    }
    if (recovered.outcome !== 'nothing') {
      context.log('warn', 'a restore was recovered', {
        service: id,
        outcome: recovered.outcome,
        detail: recovered.detail,
      });
    }
    record(context, target, recovered);
    // After a lost state the count would begin anew, and a new restore would meet the kept data of an old one.
    context.state.restores.startAbove(
      Math.max(0, ...listKeptData(placeOf(context.home, target)).map((kept) => kept.restore_id)),
    );
  }
}

function record(context: EngineContext, target: RestoreTarget, recovered: RecoveredRestore): void {
  const { state, home } = context;
  const { id } = target;
  const place = placeOf(home, target);
  // The marker travels with the data: whatever was recorded, this is what the directory holds now.
  const incarnation = recovered.newIncarnation ?? readMarker(place.data)?.incarnation;
  state.transaction(() => {
    if (incarnation !== undefined) state.services.setIncarnation(id, incarnation);
    const finished = recovered.outcome === 'finished' ? recovered.restoreId : undefined;
    // Also one that had been told as failed, because its very last step could not be written down.
    const told = finished === undefined ? undefined : state.restores.get(finished);
    if (told?.service_id === id && told.status === 'Failed') recordFinished(context, place, told, recovered);
    for (const row of state.restores.runningOf(id)) {
      if (row.id === finished || row.new_incarnation === incarnation) recordFinished(context, place, row, recovered);
      else {
        state.restores.end(row.id, {
          status: 'Failed',
          message:
            `The daemon ended while the restore ran. Service ${id} has the data it had before. ${recovered.detail}`.trim(),
        });
      }
    }
  });
}

function recordFinished(
  { state, clock }: EngineContext,
  place: DataPlace,
  row: RestoreRow,
  recovered: RecoveredRestore,
): void {
  const kept = recovered.kept ?? listKeptData(place).find(({ restore_id }) => restore_id === row.id);
  state.restores.end(row.id, {
    status: 'Succeeded',
    message:
      `${row.undo_of === undefined ? 'Restored' : `Restore ${row.undo_of} is undone`}. The daemon ended before it could say so. ${recovered.detail}`.trim(),
    users_from: row.source_service_id,
    gtids: recovered.gtids,
    ...(kept === undefined ? {} : { kept_data: kept.path, kept_until: Date.parse(kept.kept_until) }),
  });
  if (row.undo_of !== undefined) state.restores.forgetKept(row.undo_of);
  wantBackupAfter({ state, clock }, row.service_id, row.id);
}
