import type { Gtid } from '../mariadb/gtid.ts';
import { holds, type Position, reaches, readPosition } from './position.ts';

/** A backup from which logs can be rolled forward. */
export interface Base {
  id: string;
  incarnation: string;
  /** The log that was written to at its moment, and how far it had come. */
  file: string;
  gtid: string;
  /** The moment its data are of, and when it was complete; milliseconds, told in whole seconds. */
  at: number;
  endedAt: number;
}

/** An archived log, as the index knows it. Times in milliseconds since the epoch. */
export interface KnownLog {
  backupId: string;
  name: string;
  incarnation: string;
  gtidsBefore: string;
  gtidsAfter: string;
  openedAt: number;
  /** Undefined when the server died over it. */
  closedAt: number | undefined;
  /** Of its newest transaction; within a range it never goes back. Undefined without any. */
  lastEventAt: number | undefined;
  /** The log it goes on from, as `<backup>/<name>`. */
  follows: string | undefined;
  /** Why it does not go on from the log before it. */
  gap: string | undefined;
}

export const keyOf = ({ backupId, name }: Pick<KnownLog, 'backupId' | 'name'>): string => `${backupId}/${name}`;

/** All archived logs of a service, and which of them follow one another. */
export class History {
  readonly logs: readonly KnownLog[];
  readonly #next: ReadonlyMap<string, KnownLog>;
  readonly #named: ReadonlyMap<string, KnownLog[]>;

  readonly #beginnings: ReadonlyMap<string, string>;

  /** `logs` come the oldest first; `beginnings`: the GTID state that an incarnation began with, as far as it is known. */
  constructor(logs: readonly KnownLog[], beginnings: ReadonlyMap<string, string> = new Map()) {
    this.logs = logs;
    this.#beginnings = beginnings;
    this.#next = new Map(logs.flatMap((log) => (log.follows === undefined ? [] : [[log.follows, log] as const])));
    this.#named = Map.groupBy(logs, ({ incarnation, name }) => `${incarnation}/${name}`);
  }

  /**
   * The logs to roll a backup forward with, without a gap: the first was being written at its moment. Empty when that one is
   * not archived. A name alone proves nothing, since RESET MASTER gives names and GTIDs anew: it has to be a log that was
   * opened before the backup was complete, and whose transactions enclose the backup's position.
   */
  since(base: Base): KnownLog[] {
    const position = readPosition(base.gtid);
    const first = (this.#named.get(`${base.incarnation}/${base.file}`) ?? []).findLast(
      (log) => log.openedAt <= base.endedAt && encloses(log, position),
    );
    return first === undefined ? [] : [first, ...this.after(first)];
  }

  /**
   * Whether a server counts a transaction as its own only because none may be issued twice: a restore gave its data the GTID
   * state of all earlier histories, whatever the data hold of them.
   */
  isInherited(gtid: Gtid, incarnation: string): boolean {
    if (holds(readPosition(this.#beginnings.get(incarnation) ?? ''), gtid)) return true;
    const holding = this.logs.filter((log) => isIn(log, gtid));
    return holding.length > 0 && holding.every((log) => log.incarnation !== incarnation);
  }

  *after(log: KnownLog): Generator<KnownLog> {
    const seen = new Set([keyOf(log)]);
    for (let next = this.#next.get(keyOf(log)); next !== undefined; next = this.#next.get(keyOf(next))) {
      if (seen.has(keyOf(next))) return;
      seen.add(keyOf(next));
      yield next;
    }
  }
}

function isIn({ gtidsBefore, gtidsAfter }: KnownLog, gtid: Gtid): boolean {
  return holds(readPosition(gtidsAfter), gtid) && !holds(readPosition(gtidsBefore), gtid);
}

function encloses({ gtidsBefore, gtidsAfter }: KnownLog, position: Position): boolean {
  return reaches(position, readPosition(gtidsBefore)) && reaches(readPosition(gtidsAfter), position);
}

/** Until when a row of logs tells all that was committed; undefined for none. A log tells so up to its closing. */
export function coveredUntil(
  logs: readonly Pick<KnownLog, 'openedAt' | 'closedAt' | 'lastEventAt'>[],
): number | undefined {
  const last = logs.at(-1);
  if (last === undefined) return undefined;
  return last.closedAt ?? Math.max(last.openedAt, last.lastEventAt ?? 0);
}
