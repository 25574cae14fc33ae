import { SkybackupError } from '../../contract/errors.ts';
import type { DrillChecks } from '../../contract/verifications.ts';
import type { EngineContext } from '../engine-context.ts';
import { type MeasuredJob, measured } from '../rates/measured-phases.ts';
import { recordRates } from '../rates/record-rates.ts';
import type { RestoreSource } from '../restore/source.ts';
import type { BackupRow } from '../store/backups-index.ts';
import type { RowCount, VerificationRow } from '../store/verifications-table.ts';
import { type Verified, verifyBackup } from '../verify/verify-backup.ts';
import type { ReservedJob } from './job-runner.ts';
import { findBackup } from './restore-subject.ts';
import { verifiedSource } from './verified-source.ts';

/**
 * Starts the verification of a backup that succeeded, in the verify lane of its service: backups go on beside it. Throws
 * `not_found`, `unsupported`, or `conflict` for a lane that is taken.
 */
export function startVerification(
  context: EngineContext,
  backupId: string,
  checks: DrillChecks,
  /** Of the drill that does it. */
  scheduleId?: number,
): VerificationRow {
  const { state, jobs } = context;
  const backup = findBackup(context, backupId);
  checkVerifiable(backup, checks);
  let reserved: ReservedJob | undefined;
  const row = state.transaction(() => {
    reserved = jobs.reserve({
      kind: scheduleId === undefined ? 'verify' : 'drill',
      service_id: backup.service_id,
      lanes: ['verify'],
      backup_id: backup.id,
      ...(scheduleId === undefined ? {} : { schedule_id: scheduleId }),
    });
    return state.verifications.add({
      service_id: backup.service_id,
      backup_id: backup.id,
      job_id: reserved.row.id,
      schedule_id: scheduleId,
      checks,
      message: 'The verification is scheduled.',
    });
  });
  if (reserved !== undefined) run(context, row, reserved);
  return row;
}

function checkVerifiable({ id, type, status }: BackupRow, checks: DrillChecks): void {
  if (status !== 'Succeeded') {
    throw new SkybackupError('conflict', `Backup ${id} is ${status}: only one that succeeded can be verified.`, {
      hint: 'Choose a backup whose status is Succeeded.',
      retryable: false,
    });
  }
  if (type === 'binarylog' && !checks.quick) {
    throw new SkybackupError('unsupported', `Backup ${id} holds binary logs, which are no data by themselves.`, {
      hint: 'Verify it with "quick": its stored bytes are then read against their hashes.',
    });
  }
}

function run(context: EngineContext, row: VerificationRow, job: ReservedJob): void {
  const { state, repository, home } = context;
  let work: MeasuredJob | undefined;
  let source: RestoreSource | undefined;
  job.start<Verified>({
    async run(context_) {
      work = measured(context_);
      state.verifications.begin(row.id, 'The backup is being verified.');
      source = await verifiedSource(context, row, work);
      return verifyBackup({ verificationId: row.id, source, checks: row.checks, repository, home }, work);
    },
    succeeded({ recoveryMs, rowCounts }) {
      const message = successInWords(row, recoveryMs, rowCounts, source?.rollForward?.until);
      if (source !== undefined) recordRates(state, source, work);
      state.verifications.end(row.id, {
        status: 'Succeeded',
        message,
        ...measuresOf(work),
        recovery_ms: recoveryMs,
        row_counts: rowCounts,
      });
      tellSchedule(context, row, { status: 'Succeeded', message });
      return message;
    },
    failed(end) {
      state.verifications.end(row.id, { ...end, ...measuresOf(work) });
      tellSchedule(context, row, { status: end.status, message: end.message });
    },
  });
}

/** The drill's schedule, unless it is gone by then, or has begun its next run. */
function tellSchedule({ state }: EngineContext, row: VerificationRow, end: { status: string; message: string }): void {
  const { schedule_id, job_id, backup_id } = row;
  if (schedule_id === undefined || state.schedules.get(schedule_id)?.job_id !== job_id) return;
  state.schedules.change(schedule_id, { ...end, backup_id });
}

function measuresOf(
  work: MeasuredJob | undefined,
): Pick<MeasuredJob, 'warnings'> & { phases: ReturnType<MeasuredJob['phases']> } {
  return { phases: work?.phases() ?? [], warnings: work?.warnings ?? [] };
}

function successInWords(
  { backup_id, checks }: VerificationRow,
  recoveryMs: number | undefined,
  rowCounts: readonly RowCount[] | undefined,
  rolledTo: string | undefined,
): string {
  if (recoveryMs === undefined) {
    return `The stored bytes of ${backup_id} are whole. No server was started on them: a full verification proves that it can be restored.`;
  }
  const more = [
    ...(rolledTo === undefined ? [] : [`the archived binary logs rolled it forward to GTID ${rolledTo}`]),
    ...(checks.queries === undefined ? [] : [`${checks.queries.length} own queries gave what was expected`]),
    ...(checks.check_table ? ['CHECK TABLE found nothing wrong'] : []),
    ...(rowCounts === undefined ? [] : ['rows were counted']),
  ];
  return `${[`Backup ${backup_id} is proven: a server on it was up after ${(recoveryMs / 1000).toFixed(1)} s, without an error, with every table open`, ...more].join('; ')}.`;
}
