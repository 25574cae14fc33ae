import type { ChangedRows } from '../../contract/recovery.ts';
import { type EventHeader, eventTypes } from '../binlog/log-events.ts';
import { countRows, type MappedTable, type RowChange, readTableId, readTableMap } from '../binlog/row-events.ts';

/** The rows that a transaction changes, by its events and without their values. What cannot be counted is left out. */
export class RowCounts {
  /** The tables that rows events refer to, by the numbers they have there. */
  readonly #mapped = new Map<number, MappedTable>();
  /** Undefined for a table of which some rows could not be counted. */
  readonly #counts = new Map<string, ChangedRows | undefined>();
  #partial = false;

  /** `bytes` undefined: too long to be held. */
  see({ type }: EventHeader, bytes: Buffer | undefined): void {
    if (bytes === undefined) this.giveUp();
    else if (type === eventTypes.tableMap) this.#mapped.set(readTableId(bytes), readTableMap(bytes));
    else this.#count(type, bytes);
  }

  /** It changes rows that no event tells of: of any table, what is counted may be too few. */
  giveUp(): void {
    this.#partial = true;
  }

  told(): ChangedRows[] {
    return this.#partial ? [] : [...this.#counts.values()].filter((counts) => counts !== undefined);
  }

  #count(type: number, bytes: Buffer): void {
    const table = this.#mapped.get(readTableId(bytes));
    if (table === undefined) this.giveUp();
    else this.#counts.set(table.name, this.#added(table, countRows(type, bytes, table)));
  }

  #added({ name }: MappedTable, changed: [RowChange, number] | undefined): ChangedRows | undefined {
    const none = { table: name, inserted: 0, updated: 0, deleted: 0 };
    const counts = this.#counts.has(name) ? this.#counts.get(name) : none;
    if (counts === undefined || changed === undefined) return undefined;
    const [change, rows] = changed;
    return { ...counts, [change]: counts[change] + rows };
  }
}
