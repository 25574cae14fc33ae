import { checkCron, once } from '../../contract/cron.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { ScheduleRequest } from '../../contract/schedules.ts';
import type { EngineContext } from '../engine-context.ts';
import { startVerification } from '../jobs/verify-job.ts';
import type { ScheduleRow } from '../store/schedules-table.ts';

/** The cron of a drill that is asked for. Throws `invalid_schedule`. */
export function drillCron({ schedule }: ScheduleRequest): string {
  if (schedule !== once) return checkCron(schedule);
  throw new SkybackupError('invalid_schedule', 'A drill is repeated: it has no "once".', {
    hint: 'Verify a backup now with verify_backup ("skybackup backups verify <id>"), or give five cron fields.',
  });
}

/** What stands against a drill already when it is set up: without an identity it would fail each time. */
export async function drillWarnings(
  { storages }: Pick<EngineContext, 'storages'>,
  { service_id, checks }: Pick<ScheduleRequest, 'service_id' | 'checks'>,
): Promise<string[]> {
  const { recipients } = storages.at(storages.defaultFor(service_id));
  if (checks?.quick || recipients.length === 0 || (await storages.identities.canOpen(recipients))) return [];
  return [
    `The backups of ${service_id} are encrypted, and this machine has no identity that opens them: the drill fails until it has one ("skybackup encryption add-identity <file>"). With "quick" it needs none.`,
  ];
}

/** Proves the newest good backup of the schedule's service. Throws `conflict` while another verification of it runs. */
export function startDrill(context: EngineContext, schedule: ScheduleRow): { jobId: number } {
  const newest = context.state.backups.lastGood(schedule.service_id);
  if (newest === undefined) {
    throw new SkybackupError('not_found', `${schedule.service_id} has no good backup that a drill could prove.`, {
      hint: 'Take a full backup; the next drill proves it.',
    });
  }
  const { job_id } = startVerification(context, newest.id, schedule.checks ?? {}, schedule.id);
  return { jobId: job_id };
}
