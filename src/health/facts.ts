/** What is known of one service's backups, whoever gathered it. Times are milliseconds since the epoch. */
export interface ServiceFacts {
  id: string;
  name: string | undefined;
  /** The backup that it is a copy of, made beside the others: perhaps for an hour. */
  copiedFrom?: string | undefined;
  /** At most one a type: the newest. */
  good: readonly GoodBackup[];
  /** At most one a type: the runs that failed since the newest good backup of that type. */
  failed: readonly FailedRuns[];
  running: readonly RunningBackup[];
  /** Repeated ones alone. */
  schedules: readonly ScheduleFacts[];
  proven: ProvenRestore | undefined;
  /** The newest verification by schedule that succeeded, as what its schedule owes; its type is `drill`. */
  drill?: GoodBackup | undefined;
  /** The newest verification that failed, while none has succeeded since; the cloud verifies nothing. */
  disproof?: Disproof | undefined;
  /** Storages that do not answer, and hold its backups or are to get them. */
  outOfReach?: readonly LostStorage[] | undefined;
  /** The newest gap in its archived binary logs; the cloud tells none. */
  gap?: BinlogGap | undefined;
}

export interface LostStorage {
  storage: string;
  holdsBackups: boolean;
  /** A sentence. */
  why: string;
}

export interface BinlogGap {
  /** When the first log after the gap was opened. */
  at: number;
  /** A sentence. */
  detail: string;
}

export interface GoodBackup {
  id: string;
  type: string;
  /** The moment the data is of. */
  at: number;
  started: number;
  ended: number;
  bytes: number | undefined;
}

export interface FailedRuns {
  type: string;
  count: number;
  at: number;
  message: string;
}

export interface RunningBackup {
  type: string;
  since: number;
}

export interface ScheduleFacts {
  id: number;
  type: string;
  cron: string;
  suspended: boolean;
  /** Runs are owed from here on: it was made, changed or resumed then, or a run of it succeeded. */
  owedFrom: number;
  /** No run falls between these two: known without reading the cron, which is what costs time with thousands of schedules. */
  quiet?: { from: number; to: number } | undefined;
  /** Why its newest run did not even begin. */
  trouble: string | undefined;
}

/** By a restore onto a service, or by a verification. */
export interface ProvenRestore {
  backup_id: string;
  at: number;
  restore_id?: number;
  onto?: string;
  verification_id?: number;
  recovery_seconds?: number | undefined;
}

export interface Disproof {
  backup_id: string;
  at: number;
  message: string;
  /** What mends it. */
  hint: string;
  /** The backup itself was found unsound; else it could not be looked at. */
  unsound: boolean;
}
