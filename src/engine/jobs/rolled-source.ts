import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { resolveRollForward } from '../recovery/resolve.ts';
import type { Reach } from '../recovery/windows.ts';
import { describeWish, type Wish } from '../recovery/wish.ts';
import { lastBackup, type RestoreSource } from '../restore/source.ts';
import { planFor, type WantedData } from './restore-subject.ts';

type Context = Pick<EngineContext, 'state' | 'clock' | 'repository'>;

/**
 * The source with the logs that lead from its last backup to the wanted moment, if one is wanted: found by reading them,
 * exact to the transaction. Throws `unsupported` with the nearest moment that works, `not_found` for an unknown transaction.
 */
export async function rolledSource(
  context: Context,
  { backup, wish }: WantedData,
  source: RestoreSource,
  work: JobContext,
): Promise<RestoreSource> {
  if (wish === undefined) return source;
  work.phase('resolving', `Looking for ${describeWish(wish)} in the binary logs.`);
  const { reach, archiveFirst } = planFor(context, backup, wish);
  if (archiveFirst) {
    throw new SkybackupError('conflict', `The binary logs of ${backup.service_id} are not archived up to there yet.`, {
      hint: 'Take a backup of type binarylog, then restore again.',
    });
  }
  return roll(context, source, { reach, wish }, work.signal);
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
