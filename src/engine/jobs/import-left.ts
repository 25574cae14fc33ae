import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import type { RestoreRow } from '../store/restores-table.ts';
import type { StateStore } from '../store/state-store.ts';

/** What an import that ended early has left, and the way back. */
export interface LeftByImport {
  message: string;
  hint: string;
}

/** Undefined while nothing had been changed. */
export function leftByImport(state: Pick<StateStore, 'restores' | 'backups'>, id: number): LeftByImport | undefined {
  const row = state.restores.get(id);
  if (row?.import !== 'begun') return undefined;
  const { service_id } = row;
  const safety = safetyBackup(state, row);
  const message = `Service ${service_id} is partly replaced: its databases are gone, or some of them, and the dump is in it as far as the import came.`;
  if (safety === undefined) {
    return {
      message,
      hint: `Mend the reason, then restore a dump onto ${service_id} again: no dump of before was taken.`,
    };
  }
  return {
    message: `${message} Its data of before are in the safety dump ${safety}.`,
    hint: `To go back, restore ${safety} onto ${service_id}; or mend the reason and restore again.`,
  };
}

/** The dump of before, where it came to be. */
export function safetyBackup({ backups }: Pick<StateStore, 'backups'>, row: RestoreRow): string | undefined {
  const { safety_backup: id } = row;
  return id !== undefined && backups.get(id)?.status === 'Succeeded' ? id : undefined;
}

/**
 * The failure of an import as one that tells what is left of the target. One that the daemon's own end stopped has failed,
 * and was not cancelled: nobody wanted the target to be as it is now.
 */
export function importFailure(error: unknown, target: string, left: LeftByImport | undefined, signal: AbortSignal) {
  const reason = signal.aborted ? toSkybackupError(signal.reason) : undefined;
  if (left === undefined) {
    if (reason?.code !== 'cancelled') return error;
    return new SkybackupError('cancelled', `The restore was cancelled. ${target} is as it was before.`, {
      cause: error,
    });
  }
  const { code, message } = reason ?? known(error);
  const options = { hint: left.hint, cause: error, retryable: true };
  if (reason === undefined) return new SkybackupError(code, `${message} ${left.message}`, options);
  return code === 'cancelled'
    ? new SkybackupError('cancelled', `The restore was cancelled in the middle of the import. ${left.message}`, options)
    : new SkybackupError('restore_failed', `${message} ${left.message}`, options);
}

function known(error: unknown): SkybackupError {
  const told = toSkybackupError(error);
  if (told.code !== 'internal' || !(error instanceof Error)) return told;
  return new SkybackupError('restore_failed', `The import failed: ${error.message}.`, { cause: error });
}
