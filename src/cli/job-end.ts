import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupApi } from '../client/backup-api.ts';
import { type ErrorCode, errorTable, SkybackupError } from '../contract/errors.ts';
import type { Job } from '../contract/jobs.ts';
import { classifyStatus } from '../contract/status.ts';

/** The daemon's job once it has ended, or as it is when patience ends. `onLook` hears of it while it goes on. */
export async function endedJob(
  api: BackupApi,
  jobId: number,
  patienceMs: number,
  onLook: (job: Job) => void = () => {},
): Promise<Job | undefined> {
  for (const until = performance.now() + patienceMs; ; await sleep(250)) {
    const job = await api.daemon?.getJob(jobId);
    if (job === undefined || classifyStatus(job.status) !== 'in_progress' || performance.now() > until) return job;
    onLook(job);
  }
}

/** Throws a failed job's reason, as `otherwise` where the daemon gives a code that is not known here. */
export function throwIfFailed({ status, error, message }: Job, otherwise: ErrorCode): void {
  if (classifyStatus(status) !== 'failed') return;
  const known = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);
  const code = error !== undefined && known(error.code) ? error.code : otherwise;
  throw new SkybackupError(code, error?.message ?? message ?? `The job ended as ${status}.`, {
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
  });
}
