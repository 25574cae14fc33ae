import { SkybackupError } from '../../contract/errors.ts';
import { GtidState, positionOf } from '../binlog/gtid-state.ts';
import type { LoggedTransaction } from '../binlog/log-scan.ts';
import { formatGtids, type Gtid, parseGtids } from '../mariadb/gtid.ts';
import { CommitClock } from './commit-clock.ts';
import type { KnownLog } from './history.ts';
import { holds, type Position, readPosition } from './position.ts';
import type { Wish } from './wish.ts';

/** Reads an archived log's transactions in their order until `each` says that it knows enough. */
export type ScanLog = (log: KnownLog, each: (transaction: LoggedTransaction) => boolean) => Promise<void>;

/** Exactly what to replay. */
export interface Goal {
  /** The logs to its end; empty when nothing comes after the backup. */
  logs: KnownLog[];
  /** The last wanted transaction of every domain, the backup's own included. */
  until: string;
}

/**
 * Finds where a wish ends in the logs of a backup: always after a transaction, in the order of the log, so that what is kept
 * is a beginning of it in all domains. Undefined when that end lies before the backup's position. Throws `not_found` for a
 * transaction that the logs do not hold.
 */
export async function findGoal(
  gtid: string,
  logs: readonly KnownLog[],
  wish: Wish,
  scan: ScanLog,
): Promise<Goal | undefined> {
  const position = readPosition(gtid);
  const end = endOf(wish, position);
  if (wish.kind === 'gtid' && end.awaited().length === 0) return { logs: [], until: gtid };
  for (const [index, log] of logs.entries()) {
    if (!end.mayEndIn(log, logs[index - 1])) continue;
    const found = await scanFor(log, logs[index - 1], end, position, scan);
    if (found === 'before the backup') return undefined;
    if (found !== undefined) return goalAt(logs, index, found, gtid);
    // Its domain has passed it: no later log holds it.
    refuseMissing(end.awaited().filter((each) => holds(readPosition(log.gtidsAfter), each)));
  }
  refuseMissing(end.awaited());
  return goalAt(logs, logs.length - 1, logs.at(-1)?.gtidsAfter ?? gtid, gtid);
}

function refuseMissing([missing]: readonly Gtid[]): void {
  if (missing === undefined) return;
  throw new SkybackupError('not_found', `Transaction ${formatGtids([missing])} is in no archived binary log.`, {
    hint: 'Look the transactions near the moment up, and name one of them.',
  });
}

/** Decides at each transaction, in order, whether the wish ends before it. */
interface End {
  mayEndIn(log: KnownLog, before: KnownLog | undefined): boolean;
  begin(log: KnownLog, before: KnownLog | undefined): void;
  endsBefore(transaction: LoggedTransaction): boolean;
  endsAfter(transaction: LoggedTransaction): boolean;
  /** The transactions that have to be met and were not yet. */
  awaited(): Gtid[];
}

function endOf(wish: Wish, base: Position): End {
  if (wish.kind === 'time') return new EndAtTime(wish.at);
  return wish.kind === 'before' ? endBefore(wish) : new EndAtGtids(wish, base);
}

/** The first transaction whose commit time exceeds the moment. */
class EndAtTime implements End {
  readonly #at: number;
  readonly #clock = new CommitClock();

  constructor(at: number) {
    this.#at = at;
  }

  mayEndIn({ lastEventAt }: KnownLog): boolean {
    return lastEventAt !== undefined && lastEventAt > this.#at;
  }

  begin(log: KnownLog, before: KnownLog | undefined): void {
    this.#clock.begin(log, before?.lastEventAt);
  }

  endsBefore(transaction: LoggedTransaction): boolean {
    return this.#clock.committedAt(transaction) > this.#at;
  }

  endsAfter(): boolean {
    return false;
  }

  awaited(): [] {
    return [];
  }
}

function endBefore({ gtid }: Extract<Wish, { kind: 'before' }>): End {
  return {
    mayEndIn: (log) => holds(readPosition(log.gtidsAfter), gtid),
    begin: () => {},
    endsBefore: (transaction) => isSame(transaction.gtid, gtid),
    endsAfter: () => false,
    awaited: () => [gtid],
  };
}

function isSame(one: Gtid, other: Gtid | undefined): boolean {
  return one.domain === other?.domain && one.server === other.server && one.sequence === other.sequence;
}

/** After the last of the named transactions; none beyond a named one may come before it. */
class EndAtGtids implements End {
  readonly #wanted: Position;
  readonly #awaited: Map<number, Gtid>;

  constructor({ gtids }: Extract<Wish, { kind: 'gtid' }>, base: Position) {
    this.#wanted = new Map(gtids.map((gtid) => [gtid.domain, gtid]));
    this.#awaited = new Map([...this.#wanted].filter(([domain, gtid]) => !isSame(gtid, base.get(domain))));
  }

  mayEndIn({ gtidsAfter }: KnownLog): boolean {
    const after = readPosition(gtidsAfter);
    return this.#awaited.size > 0 && [...this.#wanted.values()].some((gtid) => holds(after, gtid));
  }

  begin(): void {}

  endsBefore({ gtid }: LoggedTransaction): boolean {
    const wanted = this.#wanted.get(gtid.domain);
    if (wanted === undefined || gtid.sequence <= wanted.sequence) return false;
    refuseMissing([this.#awaited.get(gtid.domain)].filter((each) => each !== undefined));
    const names = formatGtids([...this.#wanted.values()]);
    throw new SkybackupError(
      'unsupported',
      `${formatGtids([gtid])} comes before the last of ${names} in the log: together they are no moment of it.`,
      { hint: 'Name only the last transaction that is wanted: all that come before it in the log are kept.' },
    );
  }

  endsAfter({ gtid }: LoggedTransaction): boolean {
    if (isSame(gtid, this.#awaited.get(gtid.domain))) this.#awaited.delete(gtid.domain);
    return this.#awaited.size === 0;
  }

  awaited(): Gtid[] {
    return [...this.#awaited.values()];
  }
}

/** The GTID state at the end of the wish; undefined when it does not end in this log. */
async function scanFor(
  log: KnownLog,
  before: KnownLog | undefined,
  end: End,
  base: Position,
  scan: ScanLog,
): Promise<string | 'before the backup' | undefined> {
  const state = new GtidState();
  for (const gtid of parseGtids(log.gtidsBefore)) state.add(gtid);
  let found: string | 'before the backup' | undefined;
  end.begin(log, before);
  await scan(log, (transaction) => {
    if (end.endsBefore(transaction)) {
      found = holds(base, transaction.gtid) ? 'before the backup' : state.toString();
      return false;
    }
    state.add(transaction.gtid);
    if (!end.endsAfter(transaction)) return true;
    found = state.toString();
    return false;
  });
  return found;
}

function goalAt(logs: readonly KnownLog[], index: number, state: string, gtid: string): Goal {
  const log = logs[index];
  const atBeginning = log !== undefined && positionOf(state) === positionOf(log.gtidsBefore);
  const needed = logs.slice(0, atBeginning ? index : index + 1);
  const base = readPosition(gtid);
  // A log's own beginning may lie before the backup.
  const until = [...readPosition(state).values()].filter((each) => !holds(base, each));
  if (until.length === 0) return { logs: [], until: gtid };
  const others = [...base.values()].filter(({ domain }) => !until.some((each) => each.domain === domain));
  return { logs: needed, until: formatGtids([...others, ...until].sort((a, b) => a.domain - b.domain)) };
}
