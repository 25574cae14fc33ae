/** Service status: a closed list in the contract; what a newer service may add is read as `unknown`. */
export const serviceStatuses = [
  'pending_create',
  'pending_start',
  'pending_stop',
  'pending_scale',
  'pending_delete',
  'pending_modifying',
  'ready',
  'failed',
  'stopped',
  'retired',
  'unknown',
] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

/** Statuses the daemon itself uses for backups, schedules, restores and jobs. */
export const jobStatuses = ['Scheduled', 'Running', 'Succeeded', 'Failed', 'Cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

export type Outcome = 'done' | 'failed' | 'in_progress';

/** Classifies the open status strings of backups, schedules and restores. Always show the raw word beside it. */
export function classifyStatus(raw: string): Outcome {
  if (/(fail|error|cancel|abort)/i.test(raw)) return 'failed';
  if (/^(succe|complet)/i.test(raw)) return 'done';
  return 'in_progress';
}
