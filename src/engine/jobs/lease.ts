import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobRow } from '../store/jobs-table.ts';

/** The last moment before something becomes visible: a cancelled job, or one that was given up for dead, must not go on. */
export function checkLease(context: Pick<EngineContext, 'state'>, job: JobRow, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (context.state.jobs.holdsLease(job.id, job.fence)) return;
  throw new SkybackupError('interrupted', `Job ${job.id} was given up by a newer daemon: its result is not published.`);
}
