import { SkybackupError } from '../../contract/errors.ts';
import {
  changesRows,
  type EventHeader,
  eventTypes,
  headerBytes,
  magic,
  readGtid,
  readQuery,
} from '../binlog/log-events.ts';
import type { LogWatch } from '../binlog/log-scan.ts';
import { formatGtids, type Gtid } from '../mariadb/gtid.ts';
import type { Part } from './part-of-log.ts';
import { formatPosition, holds, type Position, readPosition } from './position.ts';
import { refuseStatement } from './refused-statements.ts';

/** Looks over the events that are replayed, before they are, and knows what the server must have logged in the end. */
export class ReplayWatch {
  /** The newest transaction of each domain that changes rows: no server carries it out without a trace. */
  readonly #certain: Map<number, Gtid>;
  /**
   * The newest transaction of each domain, where it makes a table of rows. It is one in the log, but through a client its
   * CREATE commits by itself, and the rows then get the next number: the server stands one further than it was led.
   */
  readonly #parted = new Map<number, Gtid>();

  constructor(from: string) {
    this.#certain = new Map(readPosition(from));
  }

  /** For one log, of which a part is replayed. */
  of({ begin, end = Number.POSITIVE_INFINITY }: Part): LogWatch {
    let at = magic.length;
    let gtid: Gtid | undefined;
    return {
      wants: isStatement,
      event: (header, bytes) => {
        const inside = at >= begin && at < end;
        at += header.length;
        if (!inside) return;
        if (header.type === eventTypes.gtid && bytes !== undefined) {
          const { domain, server, sequence } = readGtid(header, bytes);
          gtid = { domain, server, sequence };
          this.#parted.delete(domain);
        } else if (gtid !== undefined && changesRows(header)) this.#certain.set(gtid.domain, gtid);
        else if (isStatement(header) && bytes !== undefined && bytes.length > headerBytes + 13) {
          const { text, database } = readQuery(header, bytes);
          refuseStatement(text, database, gtid === undefined ? 'without a GTID' : formatGtids([gtid]));
          if (gtid !== undefined && createsTable.test(text)) this.#parted.set(gtid.domain, gtid);
        }
      },
    };
  }

  /**
   * That the server stands at the goal. Behind it, it may only be by statements that change no row: those need not be
   * logged. Throws `restore_failed`.
   */
  prove(reached: string, until: string): void {
    const [position, goal] = [readPosition(reached), readPosition(until)];
    const beyond = [...position.values()].some((gtid) => !holds(goal, gtid) && !this.#isPartOfLast(gtid));
    const behind = [...this.#certain.values()].some((gtid) => !holds(position, gtid));
    if (!beyond && !behind) return;
    throw new SkybackupError(
      'restore_failed',
      `The replay of the binary logs reached ${sayPosition(position)}, not its goal ${sayPosition(goal)}.`,
    );
  }

  #isPartOfLast({ domain, server, sequence }: Gtid): boolean {
    const last = this.#parted.get(domain);
    return last !== undefined && last.server === server && sequence === last.sequence + 1n;
  }
}

const createsTable = /^\s*CREATE\s+(OR\s+REPLACE\s+)?TABLE\b/i;

function isStatement({ type }: EventHeader): boolean {
  return type === eventTypes.query || type === eventTypes.compressedQuery;
}

function sayPosition(position: Position): string {
  return position.size === 0 ? 'no transaction' : formatPosition(position);
}
