import type { BackupApi } from '../../client/backup-api.ts';
import type { Schedule } from '../../contract/schedules.ts';
import { readTime, toRfc3339 } from '../../contract/time.ts';

/** The cloud's own machines differ by a little: look a little further back than it took the request. */
const slackMs = 120_000;

/**
 * Where the backup that is about to be asked for begins: after the newest there is of its service and type. By the cloud's own
 * times, so that neither its clock nor ours can make another's backup look like it. Undefined where there is none, or a daemon
 * knows it by its job.
 */
export async function newestStart(
  api: BackupApi,
  { service_id, backup_type }: { service_id: string; backup_type: string },
  signal: AbortSignal,
): Promise<Date | undefined> {
  if (api.provider.kind === 'daemon') return undefined;
  const { items } = await api.listBackups({ service_id, order: 'desc', page: 1, page_size: 100 }, { signal });
  const starts = items.flatMap(({ type, start_time }) =>
    type === backup_type ? [readTime(start_time)?.getTime() ?? 0] : [],
  );
  return starts.length === 0 ? undefined : new Date(Math.max(...starts));
}

/** The arguments with which wait_for finds the backup that a one-time schedule makes. */
export function startedBackup(
  schedule: Schedule,
  newest: Date | undefined,
): { kind: 'backup'; id: number; since?: string } {
  const { id, job_id, created_at, accepted_at } = schedule;
  if (job_id !== undefined) return { kind: 'backup', id };
  const taken = readTime(created_at ?? accepted_at)?.getTime();
  const bounds = [taken === undefined ? 0 : taken - slackMs, newest === undefined ? 0 : newest.getTime() + 1000];
  // A start in the cloud's future is a slip of one of its clocks, and would hide what comes now.
  const [byRequest = 0, byNewest = 0] = bounds;
  const isFuture = taken !== undefined && byNewest > taken + slackMs;
  const since = isFuture ? byRequest : Math.max(byRequest, byNewest);
  // What the schedule itself will tell need not be repeated.
  if (created_at !== undefined && since === byRequest) return { kind: 'backup', id };
  return { kind: 'backup', id, since: toRfc3339(new Date(since)) };
}

export function earliestStart(schedule: Schedule, since: Date | undefined): number {
  if (since !== undefined) return since.getTime();
  const created = readTime(schedule.created_at)?.getTime();
  return created === undefined ? Number.NEGATIVE_INFINITY : created - slackMs;
}
