import type { SqlConnection } from '../../engine/mariadb/connect.ts';

/** A transaction of the binary log that is being written, and its first statement. */
export interface LoggedStatement {
  gtid: string;
  statement: string;
}

interface LogEvent {
  Event_type: string;
  Info: string;
}

/** The transactions of the server's present binary log, the oldest first, as the server itself tells them. */
export async function lastTransactions(sql: SqlConnection): Promise<LoggedStatement[]> {
  const [log] = (await sql.query<{ Log_name: string }>('SHOW BINARY LOGS')).slice(-1);
  const events = await sql.query<LogEvent>(`SHOW BINLOG EVENTS IN '${log?.Log_name}'`);
  const found: LoggedStatement[] = [];
  let gtid: string | undefined;
  for (const { Event_type, Info } of events) {
    const begun = Event_type === 'Gtid' ? /GTID (\d+-\d+-\d+)/.exec(Info)?.[1] : undefined;
    if (begun !== undefined) gtid = begun;
    // Rows are logged under a note of their statement, everything else as the statement itself.
    else if (gtid !== undefined && /^(Annotate_rows|Query)$/.test(Event_type)) {
      found.push({ gtid, statement: Info.replace(/^use `\w+`; /, '').replace(/\s*\/\*.*\*\/$/, '') });
      gtid = undefined;
    }
  }
  return found;
}
