import type { Backup, BackupQuery } from '../contract/backups.ts';
import type { ContentsQuery } from '../contract/contents.ts';
import { SkybackupError } from '../contract/errors.ts';
import type { Home } from '../contract/home.ts';
import { isBackupId, serviceIdOf } from '../contract/ids.ts';
import type { Job } from '../contract/jobs.ts';
import type { Page } from '../contract/pages.ts';
import type { Plan, PlanApproval, PlanRequest } from '../contract/plans.ts';
import type { TransactionsQuery } from '../contract/recovery.ts';
import type { Restore, RestoreQuery, RestoreRequest } from '../contract/restores.ts';
import type { RetentionPolicy } from '../contract/retention.ts';
import type { SchedulePatch, ScheduleQuery, ScheduleRequest } from '../contract/schedules.ts';
import type { LockRequest, ServiceQuery } from '../contract/services.ts';
import type { DefaultFor, Recipients, Storage, StorageRequest } from '../contract/storages.ts';
import { sweepWorkDirectories } from './backup/work-directory.ts';
import { CatalogueReview } from './catalogue-review.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Asker, EngineContext, EngineLog } from './engine-context.ts';
import { forgetCatalogue } from './forget-catalogue.ts';
import { counts } from './health/counts.ts';
import { coverage } from './health/coverage.ts';
import { DiskSpace } from './health/disk-space.ts';
import { backupContents } from './jobs/backup-contents.ts';
import { backupView } from './jobs/backup-view.ts';
import { backupsContaining } from './jobs/backups-containing.ts';
import { closeInterrupted } from './jobs/interrupted.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { jobView } from './jobs/job-view.ts';
import { keptCopies, removeKeptCopy } from './jobs/kept-copies.ts';
import { KeptData } from './jobs/kept-data.ts';
import { startNewService } from './jobs/new-service-job.ts';
import { startRestore } from './jobs/restore-job.ts';
import { findBackup } from './jobs/restore-subject.ts';
import { restoreView } from './jobs/restore-view.ts';
import { startUndo } from './jobs/undo-job.ts';
import { verifications } from './jobs/verifications.ts';
import { recoverNewServices } from './new-service-recovery.ts';
import { deleteRestore } from './plans/delete-restore.ts';
import { findRestore } from './plans/delete-restore-operation.ts';
import { makePlan } from './plans/planner.ts';
import { findSchedule } from './plans/schedule-operations.ts';
import { findTransactions } from './recovery/find-transactions.ts';
import { recoveryWindows } from './recovery/recovery-windows.ts';
import { recoverRestores } from './restore-recovery.ts';
import { lookupTargets } from './restore-targets.ts';
import { deleteBackup } from './retention/delete-backup.ts';
import { carryOutRemovals } from './retention/removal.ts';
import { RetentionTimer } from './retention/retention-timer.ts';
import { getRetention, setRetention, tryRetention } from './retention/service-retention.ts';
import { scheduleView } from './schedule/schedule-view.ts';
import { createSchedule, deleteSchedule, startScheduledRun, updateSchedule } from './schedule/schedules.ts';
import { ScheduleTicker } from './schedule/ticker.ts';
import { lockService, unlockService } from './services/lock.ts';
import { setPower } from './services/power.ts';
import { ServiceRegistry } from './services/registry.ts';
import { removeService } from './services/remove.ts';
import { serviceState } from './services/service-state.ts';
import { routedRepository } from './storages/routed-repository.ts';
import { storageViews } from './storages/storage-view.ts';
import { Storages } from './storages/storages.ts';
import type { BackupRow } from './store/backups-index.ts';
import type { RowPage } from './store/rows.ts';
import { openState } from './store/state-store.ts';
import { sweepVerifications } from './verify/left-verifications.ts';

export interface EngineOptions {
  home: Home;
  startedBy: 'client' | 'person';
  /** Files that a physical backup reads at once. Default 2. */
  parallel?: number | undefined;
  /** Forgets what is known of backups, and finds them again in all storages before anything else is done. */
  rebuild?: boolean;
  log?: EngineLog;
  clock?: Clock;
}

export type Engine = Awaited<ReturnType<typeof startEngine>>;

/**
 * Opens the state of a home and puts right what a killed daemon left: restores first, then the catalogue, then the jobs.
 * The caller holds the home's lock. Nothing runs by schedule before `begin`.
 */
export async function startEngine(options: EngineOptions) {
  const { home, clock = systemClock, log = () => undefined, startedBy, parallel = 2 } = options;
  const state = openState(home.state, clock.now);
  const jobs = new JobRunner(state, {
    now: clock.now,
    log: ({ job, kind, error }) => log('warn', 'a job ended with an error', { job, kind, error }),
    onPhase: (event) => log('info', 'a job goes on', event),
  });
  const storages = new Storages({ home, state, clock });
  const repository = routedRepository(storages);
  const context: EngineContext = { home, state, repository, storages, jobs, clock, log, startedBy, parallel };
  const review = new CatalogueReview(context);
  storages.onAdded = (name) => review.add(name);
  try {
    await storages.reach.look(log);
    await recoverNewServices(context);
    await recoverRestores(context);
    // Whoever wrote here last is gone: we hold the lock.
    const swept = (await repository.sweep(0)) + (await sweepWorkDirectories()) + (await sweepVerifications(home));
    // Before the catalogue is read: what was deleted must not be found again.
    await carryOutRemovals(context);
    if (options.rebuild) forgetCatalogue(context);
    await review.beforeServing();
    const interrupted = closeInterrupted(context);
    log('info', 'the state is consistent', { swept, interrupted });
  } catch (error) {
    state.close();
    throw error;
  }

  const registry = new ServiceRegistry(context);
  const ticker = new ScheduleTicker({
    state,
    clock,
    startRun: (schedule) => startScheduledRun(context, schedule),
    log: (event) => log('error', 'a scheduled backup could not be started', event),
  });
  const keptData = new KeptData(context);
  const diskSpace = new DiskSpace(context);
  const retention = new RetentionTimer(context);
  jobs.onEnd(() => retention.tick());

  const viewPage = <R, V>(page: RowPage<R>, view: (row: R) => V): Page<V> => ({ ...page, items: page.items.map(view) });
  const viewBackup = (row: BackupRow): Backup => backupView(row, state.verifications.newestOf(row.id));
  const withKeptBytes = async (restore: Restore): Promise<Restore> => {
    const bytes = restore.kept_data === undefined ? undefined : await diskSpace.bytesOf(restore.kept_data);
    return bytes === undefined ? restore : { ...restore, kept_bytes: bytes };
  };
  const narrowed = <Q extends { service_id?: string | undefined }>(query: Q): Q =>
    query.service_id === undefined ? query : { ...query, service_id: serviceIdOf(query.service_id) };
  const jobOf = (id: number): Job => {
    const row = state.jobs.get(id);
    if (row === undefined) throw new SkybackupError('not_found', `There is no job ${id}.`);
    return jobView(row, jobs.progressOf(id));
  };
  const isIdle = (): boolean =>
    jobs.activeCount === 0 && !state.plans.list().some(({ status }) => status === 'pending' || status === 'approved');

  return {
    instance: state.instance,
    audit: state.audit,
    keys: state.keys,

    services: {
      list: (query: ServiceQuery) => registry.list(query),
      get: (id: string) => registry.get(id),
      register: registry.register.bind(registry),
      forget: (id: string) => registry.forget(id),
      /** With its data; the id of the job. */
      remove: (id: string, typedId: string | undefined) => removeService(context, id, typedId),
      lock: (id: string, request: LockRequest, by: string) => lockService(context, id, request, by),
      unlock: (id: string) => unlockService(context, id),
      setPower: (id: string, active: boolean, asker: Asker) => setPower(context, id, active, asker),
    },

    backups: {
      list: (query: BackupQuery): Page<Backup> => viewPage(state.backups.list(narrowed(query)), viewBackup),
      /** Those that hold a table, with its size in each. */
      containing: (query: BackupQuery & { contains: string }) =>
        backupsContaining(context, narrowed(query), viewBackup),
      get: (id: string): Backup => viewBackup(findBackup(context, id)),
      /** Of one service: registered, or forgotten with backups left. */
      listOf(serviceId: string, query: BackupQuery): Page<Backup> {
        const id = serviceIdOf(serviceId);
        const page = viewPage(state.backups.list({ ...query, service_id: id }), viewBackup);
        if (page.count === 0 && state.services.get(id) === undefined) {
          throw new SkybackupError('not_found', `There is no service "${serviceId.slice(0, 300)}".`);
        }
        return page;
      },
      isBackupId,
      contents: (id: string, query: ContentsQuery) => backupContents(context, id, query),
      remove: (id: string, asker: Asker) => deleteBackup(context, id, asker),
    },

    storages: {
      list: (): Storage[] => storageViews(storages, state),
      add: (request: StorageRequest) => storages.add(request),
      check: (name: string) => storages.check(name),
      setRecipients: (name: string, recipients: Recipients) => storages.setRecipients(name, recipients),
      setDefault: (name: string, defaultFor: DefaultFor | null) => storages.setDefault(name, defaultFor),
      setLimit: (name: string, limit: string | null) => storages.setLimit(name, limit),
      remove: (name: string) => storages.remove(name),
    },

    retention: {
      get: (serviceId: string, dryRun: boolean) => getRetention(context, serviceId, dryRun),
      /** What a policy would do, without setting it. */
      tryOut: (serviceId: string, policy: RetentionPolicy) => tryRetention(context, serviceId, policy),
      set: (serviceId: string, policy: RetentionPolicy, asker: Asker) =>
        setRetention(context, serviceId, policy, asker),
    },

    schedules: {
      list: (query: ScheduleQuery) =>
        viewPage(state.schedules.list(narrowed(query)), (row) => scheduleView(context, row)),
      get: (id: number) => scheduleView(context, findSchedule(context, id)),
      async create(request: ScheduleRequest, asker: Asker) {
        const schedule = await createSchedule(context, request, asker);
        ticker.tick();
        return schedule;
      },
      async update(id: number, patch: SchedulePatch, asker: Asker) {
        const schedule = await updateSchedule(context, id, patch, asker);
        ticker.tick();
        return schedule;
      },
      remove: (id: number, asker: Asker) => deleteSchedule(context, id, asker),
    },

    restores: {
      async list(query: RestoreQuery): Promise<Page<Restore>> {
        const page = viewPage(state.restores.list(narrowed(query)), restoreView);
        return { ...page, items: await Promise.all(page.items.map(withKeptBytes)) };
      },
      get: (id: number): Restore => restoreView(findRestore(context, id)),
      /** With the size of what it kept. */
      measured: (id: number): Promise<Restore> => withKeptBytes(restoreView(findRestore(context, id))),
      /** Puts the data of before a restore back in place. */
      undo: (id: number, asker: Asker) => startUndo(context, id, asker),
      kept: () => keptCopies(context, diskSpace),
      removeKept: (id: number, typedId: string | undefined) => removeKeptCopy(context, id, typedId),
      create: (request: RestoreRequest, asker: Asker) =>
        request.target === 'new' ? startNewService(context, request) : startRestore(context, request, asker),
      remove: (id: number, asker: Asker) => deleteRestore(context, id, asker),
      transactions: (serviceId: string, query: TransactionsQuery) =>
        findTransactions(context, serviceIdOf(serviceId), query),
      lookupTargets: (backupId: string, sourceId: string) => lookupTargets(context, backupId, sourceId),
      recoveryWindows: () => recoveryWindows(context),
    },

    verifications: verifications(context),

    jobs: {
      get: jobOf,
      /** Asks the job to stop; what it answers is the job as it is now. */
      cancel(id: number): Job {
        const job = jobOf(id);
        jobs.cancel(id);
        return job;
      },
      ended: (id: number) => jobs.ended(id),
    },

    plans: {
      create: (request: PlanRequest, principal: string): Promise<Plan> => makePlan(context, request, principal),
      list: () => state.plans.list(),
      get(idOrCode: string): Plan {
        const plan = state.plans.get(idOrCode);
        if (plan === undefined) throw new SkybackupError('not_found', 'There is no such plan, or it ended long ago.');
        return plan;
      },
      ask: (id: string) => state.plans.ask(id),
      approve: (id: string, approval: PlanApproval) => state.plans.approve(id, approval),
      decline: (id: string, reason: 'declined' | 'cancelled') => state.plans.decline(id, reason),
    },

    /** How well each service, or the one named, is covered by its backups. */
    health: (serviceId?: string) => coverage(context, serviceId),
    counts: () => counts(context, diskSpace),

    /** No job runs and no plan waits: the daemon may be restarted. */
    isIdle,
    /** Nobody would miss the daemon: it is idle, repeats nothing, and none of its own servers run. */
    async isDispensable(): Promise<boolean> {
      if (!isIdle() || state.schedules.activeCount() > 0) return false;
      const managed = state.services.list().filter((service) => service.control.kind === 'managed');
      const states = await Promise.all(managed.map((service) => serviceState(context, service)));
      return states.every(({ status }) => status === 'stopped');
    },
    onJobEnd: (listener: () => void) => jobs.onEnd(listener),

    /** From here on schedules run and kept data expire. */
    begin(): void {
      ticker.start();
      storages.reach.start();
      // A restore that ended has left a backup to be taken.
      jobs.onEnd(() => ticker.tick());
      keptData.start();
      // What goes is decided by the index: it must be right first.
      review.start(() => retention.start());
    },
    /** Resolves when the catalogue agrees with the repository, and kept data whose time is over are gone. */
    async settled(): Promise<void> {
      await Promise.all([review.settled(), keptData.settled()]);
    },
    /** Cancels what runs, waits until it has ended, and closes the state. */
    async stop(): Promise<void> {
      ticker.stop();
      storages.reach.stop();
      keptData.stop();
      await Promise.all([review.stop(), jobs.stop()]);
      await retention.stop();
      state.close();
    },
  };
}
