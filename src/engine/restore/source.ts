import type { ForeignBackup } from '../foreign/foreign-backup.ts';
import type { ArchivedLog, Manifest } from '../repository/manifest.ts';

/** What a restore, a verification or a new service is made from. */
export interface RestoreSource {
  /** A full and the incrementals upon it in their order; or one dump. */
  readonly backups: readonly [Manifest, ...Manifest[]];
  /** Transactions that come after the last backup; absent where its own moment is wanted. */
  readonly rollForward?: RollForward;
  /** One that was made without us. `backups` holds what is known of it: little, until it is unpacked. */
  readonly foreign?: ForeignBackup;
}

/** One log of a binary-log backup. */
export interface LogOfBackup {
  readonly manifest: Manifest;
  readonly log: ArchivedLog;
}

/** Archived binary logs to replay. GTID positions name the last transaction of each domain. */
export interface RollForward {
  /** Each following the one before; the first holds, or directly follows, the position of the last backup. */
  readonly logs: readonly [LogOfBackup, ...LogOfBackup[]];
  /** Where the replay begins: the last backup's own position. */
  readonly from: string;
  /** Where it ends, inclusive; it names every domain of the logs, since a domain left out would be dropped. */
  readonly until: string;
  /** The same two places in the logs' files. */
  readonly cut: LogCut;
}

/** Bytes of the first log that come before the replay, and of the last up to its end. Both lie between transactions. */
export interface LogCut {
  readonly begin: number;
  readonly end: number;
}

/** The last transaction of each domain that the source leads to. */
export function positionOf(source: RestoreSource): string {
  return source.rollForward?.until ?? lastBackup(source).binlog?.gtid ?? '';
}

/** The backup whose moment the source reaches before any log is replayed. */
export function lastBackup({ backups }: RestoreSource): Manifest {
  return backups.at(-1) ?? backups[0];
}

/** A dump is imported as SQL; everything else is files. */
export function isDump(source: RestoreSource): boolean {
  return lastBackup(source).type === 'dump';
}
