import type { EngineContext } from '../engine-context.ts';

/** Until a first restore or verification has shown better: unpacking, preparing and proving together, on a common disk. */
const guessedBytesPerSecond = 60 * 1024 * 1024;
/** Starting and stopping servers, whatever the size. */
const overheadSeconds = 5;
/** Smaller ones took their time for something else. */
const tellingBytes = 64 * 1024 * 1024;
const looked = 10;

/** How long a restore of so many bytes takes, by the rate at which the last ones went. In seconds. */
export function estimatedSeconds(context: Pick<EngineContext, 'state'>, bytes: number): number {
  const runs = [...verified(context), ...restored(context)].filter((run) => run.bytes >= tellingBytes);
  const total = runs.reduce((sum, run) => sum + run.bytes, 0);
  const seconds = runs.reduce((sum, run) => sum + Math.max(1, run.seconds - overheadSeconds), 0);
  const rate = runs.length === 0 ? guessedBytesPerSecond : total / seconds;
  return Math.ceil(overheadSeconds + bytes / rate);
}

interface Run {
  bytes: number;
  seconds: number;
}

function verified({ state }: Pick<EngineContext, 'state'>): Run[] {
  const { items } = state.verifications.list({ page: 1, page_size: looked, order: 'desc' });
  return items.flatMap(({ recovery_ms, phases }) => {
    if (recovery_ms === undefined) return [];
    const bytes = phases.reduce((most, phase) => Math.max(most, phase.bytes ?? 0), 0);
    return [{ bytes, seconds: recovery_ms / 1000 }];
  });
}

function restored({ state }: Pick<EngineContext, 'state'>): Run[] {
  const { items } = state.restores.list({ page: 1, page_size: looked, order: 'desc' });
  return items.flatMap(({ status, job_id, backup_id }) => {
    const backup = state.backups.get(backup_id);
    const job = job_id === undefined ? undefined : state.jobs.get(job_id);
    // What an incremental holds is the least of what its restore unpacks.
    if (status !== 'Succeeded' || backup?.type === 'incremental') return [];
    if (backup?.disk_bytes === undefined || job?.started_at === undefined || job.finished_at === undefined) return [];
    return [{ bytes: backup.disk_bytes, seconds: (job.finished_at.getTime() - job.started_at.getTime()) / 1000 }];
  });
}
