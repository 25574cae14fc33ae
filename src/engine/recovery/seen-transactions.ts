import type { FoundTransaction } from '../../contract/recovery.ts';
import { redact } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { changesRows, type EventHeader, eventTypes, headerBytes, readGtid, readQuery } from '../binlog/log-events.ts';
import type { LoggedTransaction, LogWatch } from '../binlog/log-scan.ts';
import { readTableMap } from '../binlog/row-events.ts';
import { formatGtids } from '../mariadb/gtid.ts';
import type { CommitClock } from './commit-clock.ts';
import { RowCounts } from './row-counts.ts';

const longestText = 64 * 1024;
/** Rows events are some kilobytes long, unless one row is longer. */
const longestRows = 16 * 1024 * 1024;
const shownStatements = 5;
const shownLength = 300;
const shownTables = 20;

interface Seen {
  gtid: string;
  statements: string[];
  tables: Set<string>;
  counts: RowCounts;
  rows: boolean;
  definition: boolean;
}

/** Reads what each transaction of a log did, as far as it can be told in a few words; `found` is called in the log's order. */
export function watchTransactions(
  clock: CommitClock,
  found: (transaction: FoundTransaction, committedAt: number) => void,
): LogWatch {
  // A transaction without an end is told once the next has begun.
  let [current, before]: [Seen | undefined, Seen | undefined] = [undefined, undefined];
  return {
    wants: (header) =>
      (isTold(header) && header.length <= longestText) || (changesRows(header) && header.length <= longestRows),
    event(header, bytes) {
      if (header.type === eventTypes.gtid && bytes !== undefined) {
        before = current;
        current = { gtid: formatGtids([readGtid(header, bytes)]), ...nothingSeen() };
      } else if (current !== undefined) look(current, header, bytes);
    },
    transaction(transaction) {
      const gtid = formatGtids([transaction.gtid]);
      const seen = [current, before].find((each) => each?.gtid === gtid) ?? { gtid, ...nothingSeen() };
      const at = clock.committedAt(transaction);
      found(told(seen, transaction, at), at);
    },
  };
}

function nothingSeen(): Omit<Seen, 'gtid'> {
  return { statements: [], tables: new Set(), counts: new RowCounts(), rows: false, definition: false };
}

function isTold({ type }: EventHeader): boolean {
  return (
    type === eventTypes.query ||
    type === eventTypes.compressedQuery ||
    type === eventTypes.annotateRows ||
    type === eventTypes.tableMap
  );
}

function look(seen: Seen, header: EventHeader, bytes: Buffer | undefined): void {
  const { statements, tables, counts } = seen;
  if (changesRows(header)) {
    seen.rows = true;
    counts.see(header, bytes);
  } else if (header.type === eventTypes.tableMap) {
    counts.see(header, bytes);
    if (bytes !== undefined) tables.add(readTableMap(bytes).name);
  } else if (header.type === eventTypes.beginLoad) counts.giveUp();
  else if (!isTold(header)) return;
  else if (bytes === undefined) {
    if (header.type !== eventTypes.annotateRows) counts.giveUp();
    statements.push(`(a statement of ${header.length} bytes)`);
  } else if (header.type === eventTypes.annotateRows) {
    statements.push(withoutValues(bytes.toString('utf8', headerBytes)));
  } else lookAtStatement(seen, header, bytes);
}

function lookAtStatement(seen: Seen, header: EventHeader, bytes: Buffer): void {
  const { text, database } = readQuery(header, bytes);
  if (/^\s*(COMMIT|ROLLBACK|SAVEPOINT|BEGIN)\b/i.test(text)) return;
  const defines = /^\s*(\/\*.*?\*\/\s*)*(CREATE|ALTER|DROP|RENAME|TRUNCATE|GRANT|REVOKE|SET PASSWORD)\b/is.test(text);
  seen.definition ||= defines;
  // Whatever else was logged by its words may change rows.
  if (!defines) seen.counts.giveUp();
  seen.statements.push(`${withoutValues(text)}${database === '' ? '' : ` [in ${database}]`}`);
}

/** The words of a statement without what people have entered: whoever may see the log's course need not see its data. */
export function withoutValues(sql: string): string {
  return redact(
    sql
      .slice(0, longestText)
      .replace(/'(?:[^'\\]|\\[\s\S]|'')*'?|"(?:[^"\\]|\\[\s\S]|"")*"?/g, '…')
      .replace(/(?<![\w`$.])(0x[0-9a-f]+|\d+(\.\d+)?(e[+-]?\d+)?)\b/gi, '?')
      .replace(/\s+/g, ' ')
      .trim(),
  ).slice(0, shownLength);
}

function told(seen: Seen, { begin, end }: LoggedTransaction, at: number): FoundTransaction {
  const { gtid, statements, tables, counts, rows, definition } = seen;
  const changed = counts.told().slice(0, shownTables);
  return {
    gtid,
    time: toRfc3339(new Date(at)),
    kind: definition ? ('definition' as const) : rows || statements.length > 0 ? ('rows' as const) : ('other' as const),
    statements: statements.slice(0, shownStatements),
    tables: [...tables].slice(0, shownTables),
    ...(changed.length === 0 ? {} : { rows: changed }),
    bytes: end - begin,
  };
}
