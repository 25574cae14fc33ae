import type { FoundTransaction } from '../../contract/recovery.ts';
import { redact } from '../../contract/redact.ts';
import { toRfc3339 } from '../../contract/time.ts';
import { changesRows, type EventHeader, eventTypes, headerBytes, readGtid, readQuery } from '../binlog/log-events.ts';
import type { LoggedTransaction, LogWatch } from '../binlog/log-scan.ts';
import { formatGtids } from '../mariadb/gtid.ts';
import type { CommitClock } from './commit-clock.ts';

const longestText = 64 * 1024;
const shownStatements = 5;
const shownLength = 300;
const shownTables = 20;

interface Seen {
  gtid: string;
  statements: string[];
  tables: Set<string>;
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
    wants: (header) => isTold(header) && header.length <= longestText,
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
  return { statements: [], tables: new Set(), rows: false, definition: false };
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
  if (changesRows(header)) seen.rows = true;
  if (!isTold(header)) return;
  if (bytes === undefined) seen.statements.push(`(a statement of ${header.length} bytes)`);
  else if (header.type === eventTypes.tableMap) seen.tables.add(readTable(bytes));
  else if (header.type === eventTypes.annotateRows)
    seen.statements.push(withoutValues(bytes.toString('utf8', headerBytes)));
  else {
    const { text, database } = readQuery(header, bytes);
    if (/^\s*(COMMIT|ROLLBACK|SAVEPOINT|BEGIN)\b/i.test(text)) return;
    seen.definition ||= /^\s*(\/\*.*?\*\/\s*)*(CREATE|ALTER|DROP|RENAME|TRUNCATE|GRANT|REVOKE|SET PASSWORD)\b/is.test(
      text,
    );
    seen.statements.push(`${withoutValues(text)}${database === '' ? '' : ` [in ${database}]`}`);
  }
}

/** Of a table map: `schema.table`. */
function readTable(event: Buffer): string {
  const schemaAt = headerBytes + 8;
  const schemaLength = event.readUInt8(schemaAt);
  const tableAt = schemaAt + schemaLength + 2;
  const schema = event.toString('utf8', schemaAt + 1, schemaAt + 1 + schemaLength);
  return `${schema}.${event.toString('utf8', tableAt + 1, tableAt + 1 + event.readUInt8(tableAt))}`;
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

function told({ gtid, statements, tables, rows, definition }: Seen, { begin, end }: LoggedTransaction, at: number) {
  return {
    gtid,
    time: toRfc3339(new Date(at)),
    kind: definition ? ('definition' as const) : rows || statements.length > 0 ? ('rows' as const) : ('other' as const),
    statements: statements.slice(0, shownStatements),
    tables: [...tables].slice(0, shownTables),
    bytes: end - begin,
  };
}
