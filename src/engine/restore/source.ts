import type { ArchivedLog, Manifest } from '../repository/manifest.ts';

/** What a restore, a verification or a new service is made from. */
export interface RestoreSource {
  /** A full and the incrementals upon it in their order; or one dump. */
  readonly backups: readonly [Manifest, ...Manifest[]];
  /** Transactions that come after the last backup; absent where its own moment is wanted. */
  readonly rollForward?: RollForward;
}

/** Archived binary logs to replay. GTID positions name the last transaction of each domain. */
export interface RollForward {
  /** Each following the one before; the first holds, or directly follows, the position of the last backup. */
  readonly logs: readonly { manifest: Manifest; log: ArchivedLog }[];
  /** Where the replay begins: the last backup's own position. */
  readonly from: string;
  /** Where it ends, inclusive; it names every domain of the logs, since a domain left out would be dropped. */
  readonly until: string;
}

/** The backup whose moment the source reaches before any log is replayed. */
export function lastBackup({ backups }: RestoreSource): Manifest {
  return backups.at(-1) ?? backups[0];
}

/** A dump is imported as SQL; everything else is files. */
export function isDump(source: RestoreSource): boolean {
  return lastBackup(source).type === 'dump';
}
