import { z } from 'zod';
import type { ChangedRows } from '../../contract/recovery.ts';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { exactMoment } from '../find/moment.ts';
import { findService } from '../find/service.ts';
import { timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

const shown = 15;

/** `shop.orders 3 updated, 1 deleted`. */
function tableInWords(table: string, changed: readonly ChangedRows[]): string {
  const { inserted = 0, updated = 0, deleted = 0 } = changed.find((each) => each.table === table) ?? {};
  const counts = Object.entries({ inserted, updated, deleted }).filter(([, rows]) => rows > 0);
  return [quoteText(table, 60), counts.map(([change, rows]) => `${rows} ${change}`).join(', ')].join(' ').trim();
}

export const findTransactions = defineTool({
  name: 'find_transactions',
  operation: 'read',
  needs: 'jobs',
  title: 'Find transactions in the binary logs',
  description:
    'Finds the transaction that did harm: GTID, time, tables, rows, statement. Its gtid, given to restore_backup as before_gtid, goes back to right before it.',
  input: z.strictObject({
    service: z.string().max(300),
    from: z.string().max(100).optional().describe('Default: the newest hour'),
    to: z.string().max(100).optional(),
    contains: z.string().min(1).max(200).optional().describe('"drop table"'),
  }),
  output: { service_id: 'string', transactions: 'array', archived_to: 'string', more: 'boolean' },
  async run({ service, from, to, contains }, { api, signal, now }) {
    const query = {
      ...(from === undefined ? {} : { from: exactMoment('from', from, now) }),
      ...(to === undefined ? {} : { to: exactMoment('to', to, now) }),
      ...(contains === undefined ? {} : { contains }),
    };
    const { id } = await findService(api, service, signal);
    const found = await daemonOf(api).findTransactions(id, { ...query, limit: shown }, { signal });
    const { transactions, more, archived_to, not_looked_at } = found;
    const rows = transactions.map(({ gtid, time, kind, statements, tables, rows: changed = [], not_archived_yet }) => ({
      gtid,
      time,
      kind,
      statement: quoteText(statements.join('; '), 100),
      ...(tables.length === 0 ? {} : { tables: tables.slice(0, 3).map((table) => tableInWords(table, changed)) }),
      ...(not_archived_yet === true ? { not_archived_yet } : {}),
    }));
    return {
      text: [
        rows.length === 0
          ? `No such transaction of ${id} from ${timeInWords(found.from)} to ${timeInWords(found.to)}.`
          : `Transactions of ${id}, in the order of the log; times are UTC:`,
        ...rows.map(
          ({ gtid, time, statement, tables, not_archived_yet }) =>
            `${gtid} ${time} ${statement}${tables === undefined ? '' : ` (${tables.join(', ')})`}${not_archived_yet ? ' [not archived yet]' : ''}`,
        ),
        archived_to === undefined ? 'Nothing is archived yet.' : `Archived up to ${timeInWords(archived_to)}.`,
      ],
      data: {
        service_id: id,
        from: timeInWords(found.from),
        to: timeInWords(found.to),
        transactions: rows,
        archived_to: timeInWords(archived_to),
        more,
      },
      warnings: [
        ...(not_looked_at === undefined
          ? []
          : [`What is not archived yet could not be looked at: ${quoteText(not_looked_at, 300)}`]),
        ...(more ? ['There are more: narrow the time, or give contains.'] : []),
      ],
      next: rows.length === 0 ? undefined : 'restore_backup with before_gtid goes back to right before one of them.',
    };
  },
});
