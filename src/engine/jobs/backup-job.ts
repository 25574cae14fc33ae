import { randomBytes } from 'node:crypto';
import { seeServer } from '../control/seen-server.ts';
import type { EngineContext } from '../engine-context.ts';
import type { JobContext } from '../job-context.ts';
import { readMarker } from '../managed/data-marker.ts';
import { stillWanted, takenAfter } from '../schedule/after-restore.ts';
import { recordBackup } from '../store/reconcile-catalogue.ts';
import type { StoredService } from '../store/services-table.ts';
import { type BackupKind, kindFor, NothingNew } from './backup-kinds.ts';
import type { ReservedJob } from './job-runner.ts';
import { checkLease } from './lease.ts';

export interface StartedBackup {
  jobId: number;
  backupId: string;
}

/** `<32 hex>:<service_id>:<server_pod>`; servers registered here have one pod. */
export function newBackupId(serviceId: string): string {
  return `${randomBytes(16).toString('hex')}:${serviceId}:${serviceId}-0`;
}

/** What is asked for: a type and a place, by whom (a schedule, if any), and whether that schedule repeats. */
export interface WantedBackup {
  type: string;
  /** Where it goes; undefined: the service's default. */
  storage?: string | undefined;
  scheduleId: number;
  repeated: boolean;
}

/**
 * Takes the lane of the backup's kind (throws `conflict`, or `unsupported` for a service that cannot give it), and lets
 * `link` note the job in the same transaction. The schedule hears of the end in the transaction that ends the job.
 */
export function startBackup(
  context: EngineContext,
  service: StoredService,
  wanted: WantedBackup,
  link: (started: StartedBackup) => void,
): StartedBackup {
  const { state, jobs } = context;
  const kind = kindFor(service, wanted.type);
  const storage = wanted.storage ?? context.storages.defaultFor(service.id);
  // To the storage it goes to alone: each is whole by itself.
  const there = { ...context, repository: context.storages.at(storage) };
  if (!wanted.repeated) kind.refuse?.(there, service, storage);
  const backupId = newBackupId(service.id);
  let reserved: ReservedJob | undefined;
  const started = state.transaction(() => {
    reserved = jobs.reserve({
      kind: wanted.type,
      service_id: service.id,
      lanes: [kind.lane],
      backup_id: backupId,
      schedule_id: wanted.scheduleId,
    });
    const ids: StartedBackup = { jobId: reserved.row.id, backupId };
    state.backups.begin({
      id: backupId,
      service_id: service.id,
      service_name: service.name,
      type: wanted.type,
      method: kind.method,
      job_id: ids.jobId,
      storage,
    });
    link(ids);
    return ids;
  });
  if (reserved !== undefined) run(there, { service, backupId, kind, wanted, storage }, reserved);
  return started;
}

interface Running {
  service: StoredService;
  backupId: string;
  kind: BackupKind;
  wanted: WantedBackup;
  storage: string;
}

function run(context: EngineContext, { service, backupId, kind, wanted, storage }: Running, job: ReservedJob): void {
  const { state } = context;
  const { scheduleId, repeated } = wanted;
  const schedule = (change: Parameters<typeof state.schedules.change>[1]): void => {
    // A schedule may be gone by then, or have begun its next run.
    if (state.schedules.get(scheduleId)?.job_id === job.row.id) state.schedules.change(scheduleId, change);
  };
  job.start({
    async run(work) {
      schedule({ status: 'Running' });
      // Kinds that read the files prove by them whose they are; the others would copy whichever server answers.
      if (!kind.readsFiles) await seeServer(service, work.signal);
      return kind.take({
        context,
        service: noticeReplacedData(context, service, work),
        backupId,
        storage,
        scheduled: repeated,
        work,
        beforePublish: () => checkLease(context, job.row, work.signal),
      });
    },
    succeeded(taken) {
      if (taken instanceof NothingNew) {
        state.jobs.unlinkBackup(job.row.id);
        state.backups.forget(backupId);
        schedule({ status: 'Succeeded', message: taken.message, backup_id: null });
        return taken.message;
      }
      const manifest = taken;
      const warnings = state.jobs.get(job.row.id)?.warnings ?? [];
      const other = manifest.type === wanted.type ? [] : [`It is of type ${manifest.type}.`, ...warnings];
      const after = state.schedules.get(scheduleId)?.after_restore;
      const why = after === undefined ? [] : [`It was ${takenAfter(after)}`];
      const message = [`Backup ${backupId} succeeded.`, ...other, ...why].join(' ');
      recordBackup(state, manifest);
      state.retention.wantPass(service.id);
      state.backups.setWarnings(backupId, warnings);
      if (after !== undefined) state.backups.setMessage(backupId, `Taken after restore ${after}.`);
      state.services.setServer(service.id, {
        version: manifest.server.version,
        server_id: manifest.server.server_id,
        hostname: manifest.server.hostname,
      });
      schedule({ status: 'Succeeded', message, backup_id: backupId });
      return message;
    },
    failed(end) {
      const status = end.status === 'Cancelled' ? 'Cancelled' : 'Failed';
      state.backups.end(backupId, status, end.message);
      const row = state.schedules.get(scheduleId);
      schedule({ status, message: end.message, ...(row && stillWanted(row, end, context.clock.now())) });
    },
  });
}

/** Data put back by hand carry another marker: chains must not cross that, and the manifest must tell the truth. */
export function noticeReplacedData(
  context: Pick<EngineContext, 'state'>,
  service: StoredService,
  work: Pick<JobContext, 'warn'>,
): StoredService {
  const incarnation = service.datadir === undefined ? undefined : readMarker(service.datadir)?.incarnation;
  if (incarnation === undefined || incarnation === service.incarnation) return service;
  work.warn(`The data of ${service.id} were replaced outside of skybackup since its last backup or restore.`);
  context.state.services.setIncarnation(service.id, incarnation);
  return { ...service, incarnation };
}
