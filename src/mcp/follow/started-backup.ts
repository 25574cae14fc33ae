import type { Schedule } from '../../contract/schedules.ts';
import { toRfc3339 } from '../../contract/time.ts';

/** Clocks differ, and the cloud has no link from a schedule to its backup: look a little further back than we started. */
const clockSkewMs = 120_000;

/** The arguments with which wait_for finds the backup that a one-time schedule makes. */
export function startedBackup(schedule: Schedule, asked: Date): { kind: 'backup'; id: number; since?: string } {
  const { id, job_id, created_at } = schedule;
  if (job_id !== undefined || created_at !== undefined) return { kind: 'backup', id };
  return { kind: 'backup', id, since: toRfc3339(new Date(asked.getTime() - clockSkewMs)) };
}

export function earliestStart(schedule: Schedule, since: Date | undefined): number {
  if (since !== undefined) return since.getTime();
  const created = Date.parse(schedule.created_at ?? '');
  return Number.isNaN(created) ? Number.NEGATIVE_INFINITY : created - clockSkewMs;
}
