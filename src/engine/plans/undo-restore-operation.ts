import { z } from 'zod';
import { parseRequest } from '../../contract/parse-request.ts';
import { toPointInTime } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { bytesUnder } from '../health/disk-space.ts';
import { resolveUndo, type UndoSubject } from '../jobs/undo-subject.ts';
import { type LiveTarget, lookAtTarget } from './live-target.ts';
import type { Operation } from './operations.ts';
import { transactionsSince } from './restore-losses.ts';
import { expectedDowntime, replicationWarnings } from './restore-operation.ts';
import { serviceDigest } from './target-digest.ts';
import { ageOf } from './words.ts';

const Undo = z.strictObject({ id: z.int().min(1) });
/** Starting and stopping servers; nothing is unpacked. */
const usualSeconds = 10;

export const undoRestoreOperation: Operation = {
  normalise(context, input) {
    const { id } = parseRequest(Undo, input, 'arguments');
    resolveUndo(context, id);
    return { id };
  },

  async describe(context, args, ownJob) {
    const subject = resolveUndo(context, parseRequest(Undo, args, 'arguments').id);
    const { target, restore, kept } = subject;
    const { path, kept_at, incarnation } = kept;
    const live = await lookAtTarget(target);
    const size = await bytesUnder(path).catch(() => undefined);
    return {
      digest: await serviceDigest(context, target, ownJob, { restore: restore.id, path, kept_at, incarnation }),
      facts: {
        title: `Undo restore ${restore.id}: put back the data that service ${target.id} had before it`,
        service_id: target.id,
        confirm_id: target.id,
        replaced: `all data of ${target.id} (${target.datadir ?? 'its data directory'}), users and passwords included`,
        replaced_by: `the data of before restore ${restore.id}, set aside ${ageOf(kept_at, context.clock.now())}`,
        recovery_point: toPointInTime(new Date(kept_at)),
        ...(size === undefined ? {} : { size_bytes: size }),
        estimated_seconds: usualSeconds,
        expected_downtime: expectedDowntime(context, target.id, live),
        lost: [lostBy(context, subject, live)],
        warnings: [
          `Users, passwords and grants of ${target.id} become those of before the restore.`,
          ...replicationWarnings(target.id, live),
        ],
        undo: 'The present data are kept for 72 hours in turn: the undo gets a number of its own and can be undone like any restore.',
      },
    };
  },
};

/** The service counts on from the state that the restore gave it. */
function lostBy({ clock }: EngineContext, { target, kept }: UndoSubject, live: LiveTarget | undefined): string {
  const count = live === undefined ? undefined : transactionsSince(target.highest_gtids, live.gtids);
  const last = kept.replaced_by === target.incarnation;
  const counted =
    count === undefined || !last
      ? 'how many transactions that is cannot be told'
      : count === 0n
        ? 'no transaction was logged since'
        : `about ${count} ${count === 1n ? 'transaction' : 'transactions'}, up to GTID ${live?.gtids}`;
  return `Everything written to ${target.id} since the restore, ${ageOf(kept.kept_at, clock.now())}: ${counted}.`;
}
