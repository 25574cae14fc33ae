import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { resolveRollForward } from '../recovery/resolve.ts';
import type { Reach } from '../recovery/windows.ts';
import { describeWish, type Wish } from '../recovery/wish.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import type { JobRow } from '../store/jobs-table.ts';
import { archiveFirst } from './archive-first.ts';
import { planFor, type WantedData } from './restore-subject.ts';

type Context = Pick<EngineContext, 'state' | 'clock' | 'repository'>;

/** Runs of archiving that are tried: a server whose clock is behind ours seems never to have come far enough. */
const archiveRuns = 3;

/**
 * The source with the logs that lead from its last backup to the wanted moment, if one is wanted: what is not archived yet is
 * archived first, and the end is found by reading the logs, exact to the transaction. `job` is the restore's own. Throws
 * `unsupported` with the nearest moment that works, `not_found` for an unknown transaction.
 */
export async function rolledSource(
  context: EngineContext,
  { backup, wish }: WantedData,
  source: RestoreSource,
  job: JobRow,
  work: JobContext,
): Promise<RestoreSource> {
  if (wish === undefined) return source;
  let plan = planFor(context, backup, wish);
  for (let run = 0; plan.archiveFirst; run += 1) {
    if (run === archiveRuns) throw notReached(backup.service_id, wish);
    const any = await archiveFirst(context, backup.service_id, job, work);
    plan = planFor(context, backup, wish);
    // Nothing more was written: whatever comes up to now is there.
    if (!any) break;
  }
  work.phase('resolving', `Reading the binary logs up to the wanted moment: ${describeWish(wish)}.`);
  return roll(context, source, { reach: plan.reach, wish }, work.signal);
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
  const { reach, archiveFirst } = planFor(context, backup, wish);
  return archiveFirst ? source : roll(context, source, { reach, wish }, AbortSignal.timeout(60_000));
}

async function roll(
  context: Context,
  source: RestoreSource,
  { reach, wish }: { reach: Reach; wish: Wish },
  signal: AbortSignal,
): Promise<RestoreSource> {
  const rollForward = await resolveRollForward(context, lastBackup(source), reach, wish, signal);
  if (rollForward === 'before') {
    throw new SkybackupError(
      'unsupported',
      `By the binary logs, ${describeWish(wish)} lies before backup ${reach.base.id}: a session had set its own time.`,
      { hint: 'Restore an earlier backup to that moment, or this one without a point in time.' },
    );
  }
  return rollForward === undefined ? source : { ...source, rollForward };
}
