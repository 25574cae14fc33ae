import type { AuditEntry, AuditQuery } from '../contract/audit.ts';
import type { Backup, BackupQuery } from '../contract/backups.ts';
import type { BackupContents, ContentsQuery } from '../contract/contents.ts';
import type { Job } from '../contract/jobs.ts';
import type { Page } from '../contract/pages.ts';
import type { Plan, PlanApproval, PlanRequest } from '../contract/plans.ts';
import type { FoundTransactions, TransactionsQuery } from '../contract/recovery.ts';
import type {
  KeptCopy,
  LookupService,
  RecoveryWindow,
  Restore,
  RestoreLookupRequest,
  RestoreQuery,
} from '../contract/restores.ts';
import type { Retention, RetentionPolicy } from '../contract/retention.ts';
import type { Schedule, SchedulePatch, ScheduleQuery, ScheduleRequest } from '../contract/schedules.ts';
import type { Health } from '../contract/service-health.ts';
import type { LockRequest, RegisterServiceRequest, Service } from '../contract/services.ts';
import type { DefaultFor, Recipients, Storage, StorageCheck, StorageRequest } from '../contract/storages.ts';
import type { Verification, VerificationQuery, VerifyRequest } from '../contract/verifications.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Bounds the whole call, retries included. Default 30,000. */
  deadlineMs?: number;
}

/** What a provider can do beyond the cloud's contract; known from its kind, never probed. */
export interface Capabilities {
  jobs: boolean;
  plans: boolean;
  registerServices: boolean;
  undoRestores: boolean;
  /** Policies of what is kept, and deleting backups by hand. */
  retention: boolean;
}

export interface Provider {
  kind: 'cloud' | 'daemon';
  /** For people: the URL, or `unix:<socket>` for the local daemon. */
  url: string;
  capabilities: Capabilities;
  /** SHA-256 over URL, organisation and key fingerprint: what a plan is bound to. Holds no secret. */
  binding: string;
}

/**
 * A new restore: `service_id` is the TARGET, `backup_id` goes out as `id` (or `key`, where the server asks for it).
 * `target: 'new'` (daemon only): a service is made, of that id or one that is chosen, with these tables or all.
 */
export interface NewRestore {
  service_id?: string;
  backup_id: string;
  target?: 'new';
  tables?: string[];
  nightly?: boolean;
  point_in_time?: string;
  /** The daemon's own: the last transaction that is wanted, or the first that is not. */
  gtid?: string;
  before_gtid?: string;
  /** The daemon's own: false makes the account that skybackup logs in with the backup's, like all others. */
  keep_account?: boolean;
  safety_dump?: boolean;
  external_source?: {
    bucket: string;
    method: 'mariabackup' | 'mysqldump';
    credentials?: string;
    encryption_key?: string;
  };
  plan_id?: string;
}

/** A destructive call may carry the approved plan that it executes (daemon only). */
interface PlannedOptions extends CallOptions {
  planId?: string;
}

/**
 * The Backup API as everything above the wire sees it: one interface for the cloud and for daemons.
 * Ids and shapes are the contract's. Every method throws only `SkybackupError`.
 */
export interface BackupApi {
  readonly provider: Provider;

  listServices(options?: CallOptions): Promise<Service[]>;
  getService(id: string, options?: CallOptions): Promise<Service>;
  /** Powers a service on or off; returns once the request is accepted. A daemon names the job that does it, when there is any to do. */
  setPower(serviceId: string, active: boolean, options?: PlannedOptions): Promise<{ job_id?: number | undefined }>;

  listBackups(query?: BackupQuery, options?: CallOptions): Promise<Page<Backup>>;
  getBackup(id: string, options?: CallOptions): Promise<Backup>;

  listSchedules(query?: ScheduleQuery, options?: CallOptions): Promise<Page<Schedule>>;
  getSchedule(id: number, options?: CallOptions): Promise<Schedule>;
  createSchedule(request: ScheduleRequest, options?: PlannedOptions): Promise<Schedule>;
  updateSchedule(id: number, patch: SchedulePatch, options?: PlannedOptions): Promise<Schedule>;
  deleteSchedule(id: number, options?: PlannedOptions): Promise<void>;

  /** The places for backups that people registered, by name; never their credentials. */
  listStorages(options?: CallOptions): Promise<Storage[]>;

  listRestores(query?: RestoreQuery, options?: CallOptions): Promise<Page<Restore>>;
  getRestore(id: number, options?: CallOptions): Promise<Restore>;
  createRestore(request: NewRestore, options?: CallOptions): Promise<Restore>;
  deleteRestore(id: number, options?: PlannedOptions): Promise<void>;
  lookupRestoreTargets(request: RestoreLookupRequest, options?: CallOptions): Promise<LookupService[]>;
  lookupRecoveryWindows(options?: CallOptions): Promise<RecoveryWindow[]>;

  /** How well each service, or one, is covered by its backups. For the cloud it is judged here, from what it lists. */
  getHealth(serviceId?: string, options?: CallOptions): Promise<Health>;

  /** The provider's own time, as far as its answers have told it: what it dates is compared with this, since our clock may be hours off. */
  clock(): Promise<Date>;

  /** What only a daemon has; undefined on the cloud. */
  readonly daemon: DaemonApi | undefined;

  close(): Promise<void>;
}

export interface DaemonApi {
  registerService(request: RegisterServiceRequest, options?: CallOptions): Promise<Service>;
  forgetService(id: string, options?: CallOptions): Promise<void>;
  /** Deletes a managed service with its data; `typedId` is its id, typed by a person. Names the job that does it. */
  removeService(id: string, typedId: string, options?: CallOptions): Promise<{ job_id: number }>;
  /** Refuses the service to every plan, and so to every tool, until then or until it is unlocked. */
  lockService(id: string, request: LockRequest, options?: CallOptions): Promise<Service>;
  unlockService(id: string, options?: CallOptions): Promise<Service>;

  /** Puts the data of before a restore back; the answer is the undo, a restore of its own. */
  undoRestore(id: number, options?: PlannedOptions): Promise<Restore>;
  listKeptCopies(options?: CallOptions): Promise<KeptCopy[]>;
  /** Removes the data of before a restore; `typedId` is the service's id, typed by a person. */
  removeKeptCopy(id: number, typedId: string, options?: CallOptions): Promise<void>;

  deleteBackup(id: string, options?: PlannedOptions): Promise<void>;
  /** What a backup holds, without fetching its data. */
  getContents(id: string, query?: ContentsQuery, options?: CallOptions): Promise<BackupContents>;
  /** Starts to prove that a backup can be restored; its job does it. Changes nothing. */
  verifyBackup(id: string, checks?: VerifyRequest, options?: CallOptions): Promise<Verification>;
  listVerifications(query?: VerificationQuery, options?: CallOptions): Promise<Page<Verification>>;
  getVerification(id: number, options?: CallOptions): Promise<Verification>;
  /** The transactions of a service near a moment, by its binary logs, archived or not. */
  findTransactions(serviceId: string, query?: TransactionsQuery, options?: CallOptions): Promise<FoundTransactions>;
  /** What is kept of a service's backups; with `dryRun`, what a pass would do now. */
  getRetention(serviceId: string, options?: CallOptions & { dryRun?: boolean }): Promise<Retention>;
  /** Sets the whole policy; with `dryRun` only tells what it would delete, and how it keeps less than the present one. */
  setRetention(
    serviceId: string,
    policy: RetentionPolicy,
    options?: PlannedOptions & { dryRun?: boolean },
  ): Promise<Retention>;

  /** Registers a bucket or folder, once it was tried out. */
  addStorage(request: StorageRequest, options?: CallOptions): Promise<StorageCheck>;
  checkStorage(name: string, options?: CallOptions): Promise<StorageCheck>;
  /** Whose backups go there where nothing else is said. */
  setStorageDefault(name: string, defaultFor: DefaultFor | null, options?: CallOptions): Promise<void>;
  /** To whom its new backups are encrypted; none: to nobody. */
  setStorageRecipients(name: string, recipients: Recipients, options?: CallOptions): Promise<void>;
  setStorageLimit(name: string, limit: string | null, options?: CallOptions): Promise<void>;
  removeStorage(name: string, options?: CallOptions): Promise<void>;

  getJob(id: number, options?: CallOptions): Promise<Job>;
  cancelJob(id: number, options?: CallOptions): Promise<Job>;

  /** Makes a plan, or returns the open one for the same operation, arguments and asker while its target is unchanged. */
  createPlan(request: PlanRequest, options?: CallOptions): Promise<Plan>;
  listPlans(options?: CallOptions): Promise<Plan[]>;
  /** By id or by the short code. */
  getPlan(idOrCode: string, options?: CallOptions): Promise<Plan>;
  /** Mints the nonce that a coming elicitation answer must carry; an earlier nonce of this plan dies. */
  askPlan(id: string, options?: CallOptions): Promise<{ nonce: string }>;
  approvePlan(id: string, approval: PlanApproval, options?: CallOptions): Promise<Plan>;
  /** The person said no, or the asking call was cancelled: a later yes is void. */
  declinePlan(id: string, reason: 'declined' | 'cancelled', options?: CallOptions): Promise<Plan>;

  /** Who changed what, or was refused it. */
  listAudit(query?: AuditQuery, options?: CallOptions): Promise<Page<AuditEntry>>;

  createKey(
    request: { role: string; name?: string },
    options?: CallOptions,
  ): Promise<{ id: string; key: string; role: string }>;
  listKeys(
    options?: CallOptions,
  ): Promise<
    { id: string; role: string; name?: string; created_at: string; last_used_at?: string; revoked_at?: string }[]
  >;
  revokeKey(id: string, options?: CallOptions): Promise<void>;
}
