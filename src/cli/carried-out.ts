import type { BackupApi } from '../client/backup-api.ts';
import type { ErrorCode } from '../contract/errors.ts';
import { endedJob, throwIfFailed } from './job-end.ts';
import type { Terminal } from './terminal.ts';

/** Waits for a job to its end, telling of each phase; throws what it failed by. */
export async function carriedOut(
  terminal: Terminal,
  api: BackupApi,
  jobId: number | undefined,
  otherwise: ErrorCode,
): Promise<void> {
  if (jobId === undefined) return;
  let phase: string | undefined;
  const job = await endedJob(api, jobId, Number.POSITIVE_INFINITY, (look) => {
    if (look.phase !== undefined && look.phase !== phase) terminal.note(look.message ?? `${look.phase} …`);
    phase = look.phase;
  });
  if (job !== undefined) throwIfFailed(job, otherwise);
}
