import { parseRequest } from '../../contract/parse-request.ts';
import { RestoreRequest } from '../../contract/restores.ts';
import { toPointInTime } from '../../contract/time.ts';
import type { EngineContext } from '../engine-context.ts';
import { reveal } from '../foreign/request-secrets.ts';
import { findBackup, type RestoreSubject, resolveRestore, restoreArguments } from '../jobs/restore-subject.ts';
import { archivedSource } from '../jobs/rolled-source.ts';
import { wantedSource } from '../jobs/wanted-source.ts';
import { estimateSeconds } from '../rates/kinds-of-work.ts';
import { describeWish, type Wish, wishArguments } from '../recovery/wish.ts';
import { filesToCarryOver } from '../restore/carry-over.ts';
import { type DataPlace, placeOf } from '../restore/data-place.ts';
import { checkOpenable } from '../restore/restorable.ts';
import { isDump, lastBackup, type RestoreSource } from '../restore/source.ts';
import { dataBytes, restoreSpace, spaceWarning } from '../restore/space.ts';
import { findService } from '../services/find-service.ts';
import { present } from '../store/rows.ts';
import type { StoredService } from '../store/services-table.ts';
import { foreignInWords, foreignWarnings } from './foreign-words.ts';
import { importTarget } from './import-target.ts';
import { type LiveTarget, lookAtTarget } from './live-target.ts';
import type { Operation } from './operations.ts';
import { lostBy } from './restore-losses.ts';
import { serviceDigest } from './target-digest.ts';
import { unsoundWarnings } from './unsound-warnings.ts';
import { ageOf, bytesInWords, durationInWords } from './words.ts';

const keptHours = 72;

export const restoreOperation: Operation = {
  async normalise(context, input) {
    return restoreArguments(await resolveRestore(context, parseRequest(RestoreRequest, reveal(input), 'arguments')));
  },

  recheck(context, args) {
    const { service_id, id, external_source } = RestoreRequest.parse(reveal(args));
    findService(context.state, service_id ?? '');
    if (external_source === undefined) findBackup(context, id ?? '');
  },

  async describe(context, args, ownJob) {
    const subject = await resolveRestore(context, parseRequest(RestoreRequest, reveal(args), 'arguments'));
    const { target, wish } = subject;
    if (subject.imports && subject.backup !== undefined) return importTarget(context, subject, ownJob);
    const source = await archivedSource(context, subject, await wantedSource(context, subject));
    await checkOpenable(source, context.repository);
    const { id, point_in_time } = lastBackup(source);
    const digest = await serviceDigest(context, target, ownJob, sourceDigest(subject, source));
    const size = sizeOf(source);
    const live = await lookAtTarget(target);
    const place = placeOf(context.home, target);
    return {
      digest,
      facts: {
        title: `Replace all data of service ${target.id} by ${source.foreign === undefined ? 'backup' : 'the backup at'} ${id}`,
        service_id: target.id,
        confirm_id: target.id,
        replaced: `all data of ${target.id} (${target.datadir ?? 'its data directory'})${usersOf(source)}`,
        replaced_by:
          source.foreign === undefined
            ? `${wordsFor(source)} of ${origin(source, target)} taken ${ageOf(point_in_time, context.clock.now())}${wordsForWish(wish, source)}`
            : foreignInWords(source.foreign, source),
        ...present({ recovery_point: recoveryPoint(subject), size_bytes: size }),
        estimated_seconds: estimateSeconds(source, context.state.rates.of),
        expected_downtime: expectedDowntime(context, target.id, live),
        lost: lostBy(context, { target, source, moment: recoveryMoment(subject), rolled: wish !== undefined, live }),
        keeps: await keptBy(subject),
        warnings: [
          ...unsoundWarnings(context, source),
          ...warningsOf(subject, source, size, live),
          ...tightness(source, place),
        ],
        undo: `The present data are kept for ${keptHours} hours as ${place.beside}/data.before-restore-<number of the restore>. To go back: "skybackup restores undo <number>", or the tool undo_restore. A backup taken before the restore (create_backup) keeps them longer.`,
      },
    };
  },
};

/** Of a foreign backup only what its object takes is known, and that may be compressed. */
function sizeOf(source: RestoreSource): number | undefined {
  return source.foreign === undefined ? dataBytes(source) : undefined;
}

function origin(source: RestoreSource, target: StoredService): string {
  const { service_id } = lastBackup(source);
  return service_id === target.id ? service_id : `${service_id}, another service,`;
}

/** By what a source that was replaced since is known. */
function sourceDigest({ backup }: RestoreSubject, { foreign }: RestoreSource): Record<string, unknown> {
  if (backup !== undefined) return { backup: backup.id, size: backup.storage_bytes };
  const { url, bytes, modified } = foreign?.object ?? {};
  return { object: url, size: bytes, modified: modified?.toISOString() };
}

/** Of a foreign dump it is not known whether it holds accounts; where it holds none, those of the target stay. */
function usersOf(source: RestoreSource): string {
  const unknown = source.foreign !== undefined && isDump(source);
  return unknown ? ', users and passwords included if the dump holds any' : ', users and passwords included';
}

function wordsFor({ backups }: RestoreSource): string {
  const [{ type, point_in_time }, ...increments] = backups;
  if (type === 'dump') return 'dump';
  if (increments.length === 0) return 'full backup';
  const between = increments.length - 1;
  const chain = between === 0 ? '' : ` and ${between} incremental${between === 1 ? '' : 's'} between`;
  return `incremental backup (with its full backup of ${toPointInTime(new Date(point_in_time))} UTC${chain})`;
}

/** What comes over from the target: the backup lacks it, and the server or its next backup needs it. */
async function keptBy({ target: { id, datadir, control }, keepAccount }: RestoreSubject): Promise<string[]> {
  const unless = control.kind === 'managed' ? '' : ' (unless keep_account is false)';
  const account = keepAccount
    ? [`the account that skybackup logs in with on ${id}, so that its backups go on${unless}`]
    : [];
  if (datadir === undefined) return account;
  const { carried, left } = await filesToCarryOver(datadir).catch(() => ({ carried: [], left: [] }));
  const few = (names: string[]): string =>
    names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
  return [
    ...account,
    ...(carried.length === 0 ? [] : [`files beside its data that no backup holds: ${few(carried)}`]),
    ...(left.length === 0 ? [] : [`not these, too large to be settings: ${few(left)}`]),
  ];
}

function wordsForWish(wish: Wish | undefined, { rollForward }: RestoreSource): string {
  if (wish === undefined) return '';
  const until = wish.kind === 'before' ? describeWish(wish) : `up to ${describeWish(wish)}`;
  const gtid = rollForward === undefined ? '' : ` (GTID ${rollForward.until})`;
  return `, then rolled forward through the binary logs: all that was committed ${until}${gtid}`;
}

function recoveryPoint(subject: RestoreSubject): string | undefined {
  const { wish } = subject;
  return wish === undefined || wish.kind === 'time' ? recoveryMoment(subject) : describeWish(wish);
}

/** Undefined where a transaction is wanted. */
function recoveryMoment({ backup, wish }: RestoreSubject): string | undefined {
  return wish === undefined ? backup?.point_in_time : wishArguments(wish).point_in_time;
}

function warningsOf(
  { target, backup, keepAccount }: RestoreSubject,
  source: RestoreSource,
  size: number | undefined,
  live: LiveTarget | undefined,
): string[] {
  const own = backup?.service_id === target.id;
  const warnings = own
    ? [`Users, passwords and grants of ${target.id} become those of the backup.`]
    : source.foreign === undefined
      ? [
          `${target.id} gets the users, passwords and grants of ${backup?.service_id}: logins made for ${target.id} stop working.`,
        ]
      : foreignWarnings(source.foreign, source, target.id);
  if (!keepAccount) {
    warnings.push(
      `So does the account that skybackup logs in with on ${target.id}: unless the backup has the same one, its backups fail until that is made again.`,
    );
  }
  if (size !== undefined) {
    warnings.push(`About ${bytesInWords(size)} of disk are needed beside the present data until those expire.`);
  }
  warnings.push(...replicationWarnings(target.id, live));
  return warnings;
}

function tightness(source: RestoreSource, place: DataPlace): string[] {
  const warning = spaceWarning(restoreSpace(source, place));
  return warning === undefined ? [] : [warning];
}

/** What becomes of replicas when the data under them change. */
export function replicationWarnings(id: string, live: LiveTarget | undefined): string[] {
  const replicas = live?.replicas ?? [];
  const now =
    replicas.length === 0
      ? `Replicas of ${id}, should there be any, break and must be set up anew.`
      : `Replicas follow ${id} now (${replicas.join(', ')}): they break and must be set up anew.`;
  const itself = `${id} follows ${live?.follows.join(', ')} as a replica, and does so no more afterwards: set it up anew.`;
  return (live?.follows.length ?? 0) === 0 ? [now] : [now, itself];
}

/** As long as at the last restore of the service. */
export function expectedDowntime(context: EngineContext, serviceId: string, live: LiveTarget | undefined): string {
  if (live === undefined) return `none that this adds: ${serviceId} does not answer now`;
  const last = context.state.restores.newestOf(serviceId)?.downtime_ms;
  return last === undefined
    ? "some seconds: the server's own stop and start"
    : `about ${durationInWords(last)}, as at its last restore`;
}
