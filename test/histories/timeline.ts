import { formatGtids, parseGtids } from '../../src/engine/mariadb/gtid.ts';
import type { Fingerprint } from './fingerprint.ts';

/** From and to, both included: what is not known more exactly. */
type Between = readonly [low: number, high: number];

/** The data after one transaction, as they were read right then. */
export interface Moment {
  index: number;
  /** Counts the restores onto the history's own service; positions of different ones are not comparable. */
  incarnation: number;
  /** `gtid_binlog_pos` after it. */
  position: string;
  /** The transaction's own GTID; undefined where there were more of them, or none. */
  gtid: string | undefined;
  /** Unix seconds that its events may carry. */
  time: Between;
  /** Numbers of the binary logs it may be in. */
  log: Between;
  state: Fingerprint;
}

export interface NewMoment {
  position: string;
  time: Between;
  log: Between;
  state: Fingerprint;
}

/** The one true record of a history: every state there was, in the order of the binary log. */
export class Timeline {
  readonly moments: Moment[] = [];
  /** Incarnation and number of a binary log → Unix seconds between which it was opened. */
  readonly #opened = new Map<string, Between>();
  readonly #archived = new Set<string>();
  readonly #lost = new Set<string>();
  incarnation = 0;

  get last(): Moment {
    const last = this.moments.at(-1);
    if (last === undefined) throw new Error('nothing has happened yet');
    return last;
  }

  /** Undefined when nothing was committed since the last one. */
  add(found: NewMoment): Moment | undefined {
    const position = canonical(found.position);
    const before = this.moments.at(-1);
    if (before !== undefined && before.incarnation === this.incarnation && before.position === position)
      return undefined;
    const moment = {
      ...found,
      position,
      index: this.moments.length,
      incarnation: this.incarnation,
      gtid: before === undefined ? undefined : onlyStep(before.position, position),
    };
    this.moments.push(moment);
    return moment;
  }

  /** Other data from here on: a restore or its undoing. */
  begin(found: NewMoment): Moment {
    this.incarnation += 1;
    const moment = {
      ...found,
      position: canonical(found.position),
      index: this.moments.length,
      incarnation: this.incarnation,
      gtid: undefined,
    };
    this.moments.push(moment);
    return moment;
  }

  at(position: string, incarnation: number): Moment | undefined {
    const wanted = canonical(position);
    return this.moments.find((moment) => moment.incarnation === incarnation && moment.position === wanted);
  }

  /** The server's logs as they are listed now; `since` is when they were listed the last time. */
  sawLogs(numbers: readonly number[], since: number, now: number): void {
    for (const number of numbers) {
      const key = this.#key(this.incarnation, number);
      if (!this.#opened.has(key)) this.#opened.set(key, [since, now]);
    }
  }

  archivedLogs(numbers: readonly number[]): void {
    for (const number of numbers) this.#archived.add(this.#key(this.incarnation, number));
  }

  purgedLogs(numbers: readonly number[]): void {
    for (const key of numbers.map((number) => this.#key(this.incarnation, number))) {
      if (!this.#archived.has(key)) this.#lost.add(key);
    }
  }

  /** Whether every log between two moments of one incarnation is still to be had. */
  whole(from: Moment, to: Moment): boolean {
    for (let number = from.log[0]; number <= to.log[1]; number += 1) {
      const key = this.#key(from.incarnation, number);
      // What was not archived before the data were replaced went away with them.
      if (from.incarnation === this.incarnation ? this.#lost.has(key) : !this.#archived.has(key)) return false;
    }
    return true;
  }

  /** The first and the last Unix second in which an incarnation was in use. */
  span(incarnation: number): Between {
    const of = (which: number): Moment | undefined => this.moments.find((moment) => moment.incarnation === which);
    return [of(incarnation)?.time[1] ?? 0, of(incarnation + 1)?.time[0] ?? Number.POSITIVE_INFINITY];
  }

  /**
   * The moments that may be the right answer to "as it was at `second`", oldest first: those before the first transaction
   * whose commit time, as a running maximum within the times of its log, is later. Empty when that is before the first.
   */
  asOf(second: number, incarnation: number, now: number): Moment[] {
    const own = this.moments.filter((moment) => moment.incarnation === incarnation);
    let [low, high] = [0, 0];
    const possible: Moment[] = [];
    for (const [at, moment] of own.entries()) {
      if (at > 0) {
        const time = this.#bounded(moment, now);
        [low, high] = [Math.max(low, time[0]), Math.max(high, time[1])];
        // From here on every one is later for certain.
        if (low > second) break;
        // Up to here every one is earlier for certain.
        if (high <= second) possible.length = 0;
      }
      possible.push(moment);
    }
    return possible;
  }

  #bounded(moment: Moment, now: number): Between {
    const [first, last] = moment.log;
    const opened = this.#opened.get(this.#key(moment.incarnation, first))?.[0] ?? 0;
    const openedAtLatest = this.#opened.get(this.#key(moment.incarnation, last))?.[1] ?? now;
    const closed = this.#opened.get(this.#key(moment.incarnation, first + 1))?.[0] ?? moment.time[0];
    const closedAtLatest = this.#opened.get(this.#key(moment.incarnation, last + 1))?.[1] ?? now;
    const within = (time: number, from: number, to: number): number => Math.max(from, Math.min(time, to));
    return [
      within(moment.time[0], opened, Math.max(opened, closed)),
      within(moment.time[1], openedAtLatest, closedAtLatest),
    ];
  }

  #key(incarnation: number, number: number): string {
    return `${incarnation}/${number}`;
  }
}

function canonical(position: string): string {
  return formatGtids(parseGtids(position).sort((a, b) => a.domain - b.domain));
}

/** The one transaction that lies between two positions. */
function onlyStep(before: string, after: string): string | undefined {
  const earlier = new Map(parseGtids(before).map((gtid) => [gtid.domain, gtid.sequence]));
  const changed = parseGtids(after).filter(({ domain, sequence }) => earlier.get(domain) !== sequence);
  const [only] = changed;
  if (changed.length !== 1 || only === undefined) return undefined;
  return only.sequence === (earlier.get(only.domain) ?? 0n) + 1n ? formatGtids([only]) : undefined;
}
