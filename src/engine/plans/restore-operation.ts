import { parseRequest } from '../../contract/parse-request.ts';
import { RestoreRequest } from '../../contract/restores.ts';
import { parsePointInTime, toPointInTime } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { findSource } from '../jobs/restore-source.ts';
import { type RestoreSubject, resolveRestore } from '../jobs/restore-subject.ts';
import type { RestoreSource } from '../restore/source.ts';
import { dataBytes } from '../restore/space.ts';
import type { Operation } from './operations.ts';
import { serviceDigest } from './target-digest.ts';
import { bytesInWords, durationInWords } from './words.ts';

const keptHours = 72;
/** Until a first restore has shown better: unpacking, preparing and proving together, on a common disk. */
const guessedBytesPerSecond = 60 * 1024 * 1024;

export const restoreOperation: Operation = {
  normalise(context, input) {
    const { target, backup } = resolveRestore(context, parseRequest(RestoreRequest, input, 'arguments'));
    return { service_id: target.id, id: backup.id };
  },

  async describe(context, args, ownJob) {
    const subject = resolveRestore(context, parseRequest(RestoreRequest, args, 'arguments'));
    const { target, backup } = subject;
    const digest = await serviceDigest(context, target, ownJob, { backup: backup.id, size: backup.storage_bytes });
    const source = await findSource(context, backup);
    const size = dataBytes(source);
    const other = backup.service_id !== target.id;
    return {
      digest,
      facts: {
        title: `Replace all data of service ${target.id} by backup ${backup.id}`,
        service_id: target.id,
        confirm_id: target.id,
        replaced: `all data of ${target.id} (${target.datadir ?? 'its data directory'}), users and passwords included`,
        replaced_by: `${wordsFor(source)} of ${backup.service_id}${other ? ', another service,' : ''} taken ${ageOf(context, backup.point_in_time)}`,
        ...(backup.point_in_time === undefined ? {} : { recovery_point: backup.point_in_time }),
        size_bytes: size,
        estimated_seconds: estimate(source.backups.reduce((sum, { disk_bytes }) => sum + disk_bytes, 0)),
        expected_downtime: expectedDowntime(context, target.id),
        lost: lostBy(context, subject),
        warnings: warningsOf(subject, size),
        undo: `The present data are kept for ${keptHours} hours as ${target.datadir}.before-restore-<number of the restore>. To go back: stop ${target.id}, put that folder in the place of ${target.datadir}, start ${target.id}.`,
      },
    };
  },
};

function wordsFor({ backups }: RestoreSource): string {
  const [{ point_in_time }, ...increments] = backups;
  if (increments.length === 0) return 'full backup';
  const between = increments.length - 1;
  const chain = between === 0 ? '' : ` and ${between} incremental${between === 1 ? '' : 's'} between`;
  return `incremental backup (with its full backup of ${toPointInTime(new Date(point_in_time))} UTC${chain})`;
}

function lostBy(context: EngineContext, { target, backup }: RestoreSubject): string[] {
  const lost =
    backup.service_id === target.id
      ? [`Everything written to ${target.id} since the backup, taken ${ageOf(context, backup.point_in_time)}.`]
      : [`Everything ${target.id} holds now: it becomes a copy of ${backup.service_id}.`];
  const own = context.state.backups.lastGood(target.id);
  if (own === undefined) {
    lost.push(`${target.id} has no good backup of its own: what it holds exists nowhere else.`);
  } else if (own.id !== backup.id) {
    lost.push(
      `What was written since ${target.id}'s own last good backup, taken ${ageOf(context, own.point_in_time)}, is in no backup.`,
    );
  }
  return lost;
}

function warningsOf({ target, backup }: RestoreSubject, size: number): string[] {
  const warnings =
    backup.service_id === target.id
      ? [`Users, passwords and grants of ${target.id} become those of the backup.`]
      : [
          `${target.id} gets the users, passwords and grants of ${backup.service_id}: logins made for ${target.id} stop working.`,
        ];
  warnings.push(`About ${bytesInWords(size)} of disk are needed beside the present data until those expire.`);
  warnings.push(`Replicas of ${target.id} break and must be set up anew.`);
  return warnings;
}

function expectedDowntime(context: EngineContext, serviceId: string): string {
  const last = context.state.restores.newestOf(serviceId)?.downtime_ms;
  return last === undefined
    ? "some seconds: the server's own stop and start"
    : `about ${durationInWords(last)}, as at its last restore`;
}

function estimate(bytes: number): number {
  return Math.ceil(5 + bytes / guessedBytesPerSecond);
}

function ageOf(context: EngineContext, pointInTime: string | undefined): string {
  const moment = pointInTime === undefined ? undefined : (parsePointInTime(pointInTime) ?? new Date(pointInTime));
  if (moment === undefined || Number.isNaN(moment.getTime())) return 'at an unknown time';
  const age = Math.max(0, context.clock.now() - moment.getTime());
  return `at ${toPointInTime(moment)} UTC, ${durationInWords(age)} ago`;
}
