import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { resolveRollForward } from '../recovery/resolve.ts';
import { serviceHistory } from '../recovery/service-history.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import type { VerificationRow } from '../store/verifications-table.ts';
import { findSource, readManifest } from './restore-source.ts';
import { findBackup } from './restore-subject.ts';

/**
 * What a verification works on: of stored bytes one backup alone; of data all that it builds on, and where the newest moment
 * is wanted also the archived binary logs that follow. Throws `backup_damaged` naming what is missing.
 */
export async function verifiedSource(
  context: EngineContext,
  { service_id, backup_id, checks }: VerificationRow,
  job: JobContext,
): Promise<RestoreSource> {
  if (checks.quick) return { backups: [await readManifest(context, service_id, backup_id)] };
  const source = await findSource(context, findBackup(context, backup_id));
  return checks.point_in_time === 'newest' ? rolledToNewest(context, source, job) : source;
}

/** As far as logs are archived; a verification asks the server for no more. */
async function rolledToNewest(context: EngineContext, source: RestoreSource, job: JobContext): Promise<RestoreSource> {
  const last = lastBackup(source);
  const [reach] = serviceHistory(context, last.service_id, last.id).reaches;
  if (reach === undefined || reach.logs.length === 0) {
    job.warn(`No archived binary logs follow on backup ${last.id}: it was looked at as of its own moment.`);
    return source;
  }
  job.phase('resolving', 'Looking for the newest transaction in the archived binary logs.');
  const rollForward = await resolveRollForward(context, last, reach, { kind: 'time', at: reach.until }, job.signal);
  return rollForward === undefined || rollForward === 'before' ? source : { ...source, rollForward };
}
