import { SkybackupError } from '../../contract/errors.ts';
import { encryptionFor } from '../encryption/age.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import type { RecoveryPlan } from '../recovery/plan-recovery.ts';
import { resolveRollForward, storedLogs } from '../recovery/resolve.ts';
import type { Reach } from '../recovery/windows.ts';
import { describeWish, type Wish } from '../recovery/wish.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import type { JobRow } from '../store/jobs-table.ts';
import { archiveFirst } from './archive-first.ts';
import { findSource } from './restore-source.ts';
import { liesBefore, planFor, readingMs, type WantedData } from './restore-subject.ts';

type Context = Pick<EngineContext, 'state' | 'clock' | 'repository' | 'storages'>;

/** Runs of archiving that are tried: a server whose clock is behind ours seems never to have come far enough. */
const archiveRuns = 3;

/**
 * The source with the logs that lead from its last backup to the wanted moment, if one is wanted: what is not archived yet is
 * archived first, and the end is found by reading the logs, exact to the transaction. Where they show that the chosen backup
 * comes after the moment, the next best is taken. `job` is the restore's own. Throws `unsupported` with the nearest moment
 * that works, `not_found` for an unknown transaction.
 */
export async function rolledSource(
  context: EngineContext,
  wanted: WantedData,
  source: RestoreSource,
  job: JobRow,
  work: JobContext,
): Promise<RestoreSource> {
  const { backup, wish, others = [] } = wanted;
  if (wish === undefined) return source;
  let plan = planFor(context, backup, wish);
  if (plan.archiveFirst) await checkLogs(context, backup.service_id, plan);
  for (let run = 0; plan.archiveFirst; run += 1) {
    if (run === archiveRuns) throw notReached(backup.service_id, wish);
    const any = await archiveFirst(context, backup.service_id, job, work);
    plan = planFor(context, backup, wish);
    // Nothing more was written: whatever comes up to now is there.
    if (!any) break;
  }
  work.phase('resolving', `Reading the binary logs up to the wanted moment: ${describeWish(wish)}.`);
  const rolled = await roll(context, source, { reach: plan.reach, wish }, work.signal);
  if (rolled !== 'before') return rolled;
  for (const other of others) {
    const { reach, archiveFirst: unreached } = planFor(context, other, wish);
    if (unreached) continue;
    const found = await roll(context, await findSource(context, other), { reach, wish }, work.signal);
    if (found === 'before') continue;
    work.warn(`${liesBefore(wish, backup.id).message} Backup ${other.id}, which leads there, was taken instead.`);
    return found;
  }
  throw liesBefore(wish, backup.id);
}

function notReached(serviceId: string, wish: Wish): SkybackupError {
  return new SkybackupError(
    'conflict',
    `The binary logs of ${serviceId} do not reach ${describeWish(wish)}, though all it has written is archived.`,
    { hint: "Is the server's clock behind? Choose an earlier moment, or a transaction." },
  );
}

/** The same as far as the logs are archived already: for telling what would be done. */
export async function archivedSource(
  context: Context,
  { backup, wish }: WantedData,
  source: RestoreSource,
): Promise<RestoreSource> {
  if (wish === undefined) return source;
  const plan = planFor(context, backup, wish);
  if (plan.archiveFirst) {
    await checkLogs(context, backup.service_id, plan);
    return source;
  }
  const { reach } = plan;
  const rolled = await roll(context, source, { reach, wish }, AbortSignal.timeout(readingMs));
  if (rolled === 'before') throw liesBefore(wish, backup.id);
  return rolled;
}

/** That the logs which lead to a wish can be decrypted here: those that there are, and those that are still to be archived. */
async function checkLogs({ repository, storages }: Context, serviceId: string, { reach }: RecoveryPlan): Promise<void> {
  const stored = storedLogs({ repository }, serviceId);
  for (const log of reach.logs) await repository.opener((await stored(log)).manifest);
  const next = storages.at(storages.defaultFor(serviceId));
  await next.opener({
    id: `of the newest binary logs of ${serviceId}`,
    encryption: encryptionFor(next.recipients),
  });
}

async function roll(
  context: Context,
  source: RestoreSource,
  { reach, wish }: { reach: Reach; wish: Wish },
  signal: AbortSignal,
): Promise<RestoreSource | 'before'> {
  const rollForward = await resolveRollForward(context, lastBackup(source), reach, wish, signal);
  if (rollForward === 'before') return rollForward;
  return rollForward === undefined ? source : { ...source, rollForward };
}
