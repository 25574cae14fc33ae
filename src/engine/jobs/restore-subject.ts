import { SkybackupError } from '../../contract/errors.ts';
import { isBackupId, serviceIdOf } from '../../contract/ids.ts';
import type { ExternalSource, RestoreRequest } from '../../contract/restores.ts';
import type { EngineContext } from '../engine-context.ts';
import { type NamedObject, nameObject } from '../foreign/foreign-backup.ts';
import { conceal } from '../foreign/request-secrets.ts';
import { leadingPlans } from '../recovery/choose-base.ts';
import { planRecovery, type RecoveryPlan } from '../recovery/plan-recovery.ts';
import { scanOf, storedLogs } from '../recovery/resolve.ts';
import { serviceHistory } from '../recovery/service-history.ts';
import { describeWish, readWish, type Wish, wishArguments } from '../recovery/wish.ts';
import { isImport } from '../restore/importable.ts';
import { checkExchangeable } from '../restore/restorable.ts';
import { findService } from '../services/find-service.ts';
import type { BackupRow } from '../store/backups-index.ts';
import type { StoredService } from '../store/services-table.ts';

type Context = Pick<EngineContext, 'state' | 'clock' | 'repository'>;

/** How long the logs may be read for a plan. */
export const readingMs = 60_000;

/** Which data are wanted: of a backup of ours, or of one that lies in a bucket. */
export type WantedData = WantedBackup | WantedObject;

export interface WantedBackup {
  backup: BackupRow;
  /** A moment after the backup's own. */
  wish?: Wish;
  /** The next best, where the backup was chosen for its service: what is not archived yet may show that it does not lead there. */
  others?: BackupRow[];
  object?: never;
}

export interface WantedObject {
  object: NamedObject;
  /** As the request had it. */
  source: ExternalSource;
  wish?: never;
  backup?: never;
  others?: never;
}

/** What data are to be restored onto, and how. */
export interface Onto {
  target: StoredService;
  /** The account that skybackup logs in with stays what it is on the target. */
  keepAccount: boolean;
  /** Into the running server: its data are not on this machine, and cannot be exchanged. Only of a dump of ours. */
  imports: boolean;
  /** Of an import: whether the target is dumped before the first change. */
  safetyDump: boolean;
}

/** What is to be restored onto what. */
export type RestoreSubject = Onto & WantedData;
export type ImportSubject = Onto & WantedBackup;

/** The backup of that id. Throws `not_found`. */
export function findBackup(context: Pick<EngineContext, 'state'>, id: string): BackupRow {
  const row = context.state.backups.get(id);
  if (row === undefined) throw new SkybackupError('not_found', `There is no backup "${id.slice(0, 300)}".`);
  return row;
}

/** Reads a restore request as far as it needs no look at files. Throws `unsupported` with the reason, `not_found`, `conflict`. */
export async function resolveRestore(context: Context, request: RestoreRequest): Promise<RestoreSubject> {
  readWish(request);
  if (request.target === 'new' || request.service_id === undefined) {
    throw new SkybackupError('invalid_request', 'A restore into a new service replaces nothing, so it needs no plan.', {
      hint: 'Send it without one.',
    });
  }
  const target = findService(context.state, request.service_id);
  const wanted = await resolveData(context, request);
  const imports = wanted.backup !== undefined && isImport(target, wanted.backup);
  const { keep_account: keepAccount = true } = request;
  if (imports) refuseRollForward(target, wanted);
  else {
    checkExchangeable(target);
    refuseSafetyDump(target, request);
  }
  if (!keepAccount && (imports || target.control.kind === 'managed')) throw accountNeeded(target, imports);
  return { target, imports, safetyDump: request.safety_dump ?? true, keepAccount, ...wanted };
}

/** A restore's arguments in the one form that plans are compared by, without secrets. */
export function restoreArguments({ target, ...subject }: RestoreSubject): Record<string, unknown> {
  const declined = subject.imports && !subject.safetyDump ? { safety_dump: false } : {};
  const account = subject.keepAccount ? {} : { keep_account: false };
  if (subject.object !== undefined) {
    const { object, source } = subject;
    return { service_id: target.id, id: object.key, external_source: conceal(source), ...account };
  }
  return { service_id: target.id, id: subject.backup.id, ...wishArguments(subject.wish), ...account, ...declined };
}

function accountNeeded({ id }: StoredService, imports: boolean): SkybackupError {
  const why = imports
    ? 'runs while a dump is imported with that account, and its accounts stay'
    : "is the daemon's own server, which it starts, stops and asks with that account";
  return new SkybackupError('unsupported', `keep_account: ${id} ${why}.`, { hint: 'Leave keep_account out.' });
}

/** Logs are replayed where nobody else writes, at a GTID state of one's own: never on a server that others work with. */
function refuseRollForward({ id }: StoredService, { backup, wish }: WantedBackup): void {
  if (wish === undefined) return;
  throw new SkybackupError(
    'unsupported',
    `${id} was registered without its data directory, so the dump ${backup.id} is imported into its running server, and no binary logs can be rolled forward over it there.`,
    {
      hint: 'Restore to that moment into a new service (target "new"), and copy from there; or restore the dump as it is.',
    },
  );
}

function refuseSafetyDump({ id }: StoredService, { safety_dump }: RestoreRequest): void {
  if (safety_dump === undefined) return;
  throw new SkybackupError(
    'invalid_request',
    `safety_dump: none is taken of ${id}, whose data are exchanged as a whole and kept for 72 hours.`,
    { hint: 'Leave it out: an undo puts the data of before back.' },
  );
}

/**
 * The backup that a request names, or the best one for its moment when it names a service. Throws `not_found`, `conflict`,
 * `unsupported` with the nearest moment that works.
 */
export async function resolveData(context: Context, request: RestoreRequest): Promise<WantedData> {
  const wish = readWish(request);
  const id = request.id ?? request.key ?? '';
  if (request.external_source !== undefined) return wantedObject(request.external_source, id, wish);
  if (isBackupId(id)) {
    const backup = restorableBackup(context, id);
    if (wish === undefined) return { backup };
    planFor(context, backup, wish);
    return { backup, wish };
  }
  const serviceId = serviceIdOf(id);
  if (wish === undefined || !hasBackups(context, serviceId)) {
    throw new SkybackupError('not_found', `"${id.slice(0, 300)}" is no backup id.`, {
      hint: 'Give the id of a backup as the list of backups shows it; or, with point_in_time, that of a service.',
    });
  }
  const { history, reaches } = serviceHistory(context, serviceId);
  const plans = planRecovery(reaches, wish, { history, now: context.clock.now(), subject: `Service ${serviceId}` });
  const scan = scanOf(context, storedLogs(context, serviceId), AbortSignal.timeout(readingMs));
  const [best, ...others] = await leadingPlans(plans, wish, scan);
  if (best === undefined) throw liesBefore(wish, plans.at(-1)?.reach.base.id ?? '');
  const backupOf = ({ reach }: RecoveryPlan): BackupRow => findBackup(context, reach.base.id);
  return { backup: backupOf(best), wish, others: others.map(backupOf) };
}

/** Of a wish that the logs of a backup put before it, whatever the clock says. */
export function liesBefore(wish: Wish, backupId: string): SkybackupError {
  return new SkybackupError(
    'unsupported',
    `By the binary logs, ${describeWish(wish)} lies before backup ${backupId}: a session had set its own time.`,
    { hint: 'Restore an earlier backup to that moment, or this one without a point in time.' },
  );
}

/** How a wish is fulfilled from this backup. Throws `unsupported` with the nearest moment that works. */
export function planFor(
  context: Pick<EngineContext, 'state' | 'clock'>,
  { id, service_id, unfit }: BackupRow,
  wish: Wish,
): RecoveryPlan {
  if (unfit !== undefined) {
    throw new SkybackupError('unsupported', `Backup ${id} is unfit for a point in time: ${unfit}`, {
      hint: 'Give the id of the service instead: the best backup for the moment is chosen.',
    });
  }
  const { history, reaches } = serviceHistory(context, service_id, id);
  const [plan] = planRecovery(reaches, wish, { history, now: context.clock.now(), subject: `Backup ${id}` });
  return plan;
}

function hasBackups({ state }: Pick<EngineContext, 'state'>, serviceId: string): boolean {
  return state.services.get(serviceId) !== undefined || state.backups.of(serviceId).length > 0;
}

function restorableBackup(context: Pick<EngineContext, 'state'>, id: string): BackupRow {
  const backup = findBackup(context, id);
  if (backup.status !== 'Succeeded') {
    throw new SkybackupError('conflict', `Backup ${id} is ${backup.status}: only one that succeeded can be restored.`, {
      hint: 'Choose a backup whose status is Succeeded.',
      retryable: false,
    });
  }
  if (backup.type === 'binarylog') {
    throw new SkybackupError('unsupported', `Backup ${id} holds binary logs, which cannot be restored by themselves.`, {
      hint: 'Restore a full, incremental or dump backup; binary logs only roll one forward.',
    });
  }
  return backup;
}

function wantedObject(source: ExternalSource, id: string, wish: Wish | undefined): WantedObject {
  if (wish === undefined) return { object: nameObject(source, id), source };
  throw new SkybackupError('unsupported', 'A backup from a bucket is restored as it is: no binary logs follow on it.', {
    hint: 'Leave out point_in_time, gtid and before_gtid.',
  });
}
