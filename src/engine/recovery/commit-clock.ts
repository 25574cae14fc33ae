import type { LoggedTransaction } from '../binlog/log-scan.ts';
import { coveredUntil, type KnownLog } from './history.ts';

/**
 * When transactions were committed, in milliseconds since the epoch. `SET timestamp` forges the times in a log: what counts
 * is the highest so far, which the log's own opening and closing do not let leave.
 */
export class CommitClock {
  #highest = 0;
  #latest = Number.POSITIVE_INFINITY;

  /** `before`: the commit time of the newest transaction in earlier logs. */
  begin(log: Pick<KnownLog, 'openedAt' | 'closedAt' | 'lastEventAt'>, before: number | undefined): void {
    this.#highest = Math.max(log.openedAt, before ?? 0);
    this.#latest = Math.max(log.openedAt, coveredUntil([log]) ?? Number.POSITIVE_INFINITY);
  }

  committedAt({ time }: LoggedTransaction): number {
    this.#highest = Math.max(this.#highest, Math.min(time * 1000, this.#latest));
    return this.#highest;
  }
}
