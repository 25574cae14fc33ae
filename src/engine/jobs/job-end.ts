import { SkybackupError, toSkybackupError } from '../../contract/errors.ts';
import { redact } from '../../contract/redact.ts';
import type { JobEnd, JobRow } from '../store/jobs-table.ts';

/** What a request is told when a lane it needs is taken. */
export function busyError(busy: JobRow): SkybackupError {
  return new SkybackupError(
    'conflict',
    `Service ${busy.service_id} is busy: job ${busy.id} (${busy.kind}, ${busy.status.toLowerCase()}) has to end first.`,
    { hint: `Wait for job ${busy.id} to end, or cancel it, then call again.`, details: { job_id: busy.id } },
  );
}

/** What a thrown value means for the job: Cancelled when someone asked for the stop, Failed otherwise. */
export function endOf(error: unknown, signal?: AbortSignal): JobEnd {
  const failure = toSkybackupError(error);
  const stopped = signal?.aborted ? toSkybackupError(signal.reason) : undefined;
  // A job that failed for its own reason in the moment it was cancelled still tells that reason.
  const cancelled = stopped !== undefined && (failure.code === 'cancelled' || failure.code === 'interrupted');
  // The work itself says best in what state it left things, unless it was the daemon that stopped.
  const told = stopped?.code === 'interrupted' && cancelled ? stopped : failure;
  return {
    status: cancelled ? 'Cancelled' : 'Failed',
    message: redact(told.message),
    error: { code: told.code, message: redact(told.message), hint: redact(told.hint) },
  };
}

/** A full disk or a locked file: the same write may succeed later. */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}
