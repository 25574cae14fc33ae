import { z } from 'zod';
import type { BackupContents, ContainedTable } from '../../contract/contents.ts';
import { SkybackupError } from '../../contract/errors.ts';
import { parseTablePattern } from '../../contract/table-pattern.ts';
import type { ToolAnswer } from '../answer.ts';
import type { Call } from '../context.ts';
import { daemonOf } from '../daemon-of.ts';
import { defineTool } from '../define-tool.ts';
import { backupForms, findOwnBackup } from '../find/backup.ts';
import { findService } from '../find/service.ts';
import { goOnWith, listArguments, listPage, type Row } from '../lists/list-page.ts';
import { backupRow } from '../rows.ts';
import { sizeInWords, timeInWords } from '../sizes-and-times.ts';
import { quoteText } from '../untrusted-text.ts';

const mostSchemas = 5;

export const showBackup = defineTool({
  name: 'show_backup',
  operation: 'read',
  needs: 'jobs',
  title: 'Show what a backup holds',
  description:
    'Tells what is in a backup: tables with engine, size and rows. Use it before a restore. With `table` alone: which backups hold it.',
  input: z.strictObject({
    backup: z.string().max(300).optional().describe(backupForms),
    service: z.string().max(300).optional(),
    table: z.string().max(140).optional().describe('"shop.orders", "shop.*"'),
    ...listArguments,
  }),
  output: {
    backup_id: 'string',
    schemas: 'array',
    tables: 'array',
    backups: 'array',
    count: 'number',
    next_cursor: 'string',
  },
  async run({ backup, service, table, limit, cursor }, call) {
    const { api, signal } = call;
    if (backup === undefined) {
      if (table !== undefined) return holdersOf(table, service, { limit, cursor }, call);
      throw new SkybackupError('invalid_request', 'Which backup? Give one, or a table to look for in all of them.');
    }
    const { id } = await findOwnBackup(backup, service, call);
    const wanted = table === undefined ? undefined : wantedTable(table);
    let contents: BackupContents | undefined;
    const page = await listPage(
      { limit, cursor },
      async (query) => {
        contents = await daemonOf(api).getContents(id, { ...query, ...wanted }, { signal });
        return { items: contents.tables, count: contents.tables_count, pages: contents.pages_count };
      },
      tableRow,
    );
    const { schemas = [], point_in_time, type = 'backup', logs = [] } = contents ?? {};
    const listed = schemas.slice(0, mostSchemas).map((schema) => ({
      schema: quoteText(schema.schema, 40),
      tables: schema.tables,
      size: sizeInWords(schema.bytes),
    }));
    const total = sizeInWords(schemas.reduce((sum, { bytes }) => sum + bytes, 0));
    return {
      text: [
        `Backup ${quoteText(id, 200)} (${quoteText(type)}), data of ${timeInWords(point_in_time)}: ${schemas.length} schemas, ${total}. Rows are estimates.`,
        ...listed.map((each) => `- schema ${each.schema}: ${each.tables} tables, ${each.size}`),
        ...(schemas.length > mostSchemas ? [`- and ${schemas.length - mostSchemas} smaller schemas`] : []),
        ...(logs.length === 0 ? [] : [`It holds ${logs.length} binary logs, and no tables by themselves.`]),
        ...(wanted === undefined ? [] : [`${page.count} tables are ${quoteText(table ?? '')}:`]),
        ...page.rows.map(({ text }) => text),
      ],
      data: {
        backup_id: id,
        type: quoteText(type),
        data_of: timeInWords(point_in_time),
        schemas: listed,
        tables: page.rows.map(({ data }) => data),
        count: page.count,
        next_cursor: page.next_cursor,
      },
      warnings: page.warnings,
      next: page.next_cursor && goOnWith('show_backup', page.next_cursor),
    };
  },
});

/** The backups that hold a table, with how large it was in each. */
async function holdersOf(
  table: string,
  service: string | undefined,
  place: { limit: number; cursor: string | undefined },
  { api, signal }: Call,
): Promise<ToolAnswer> {
  const scope = service === undefined ? {} : { service_id: (await findService(api, service, signal)).id };
  const page = await listPage(
    place,
    (query) => api.listBackups({ ...query, ...scope, contains: table.trim(), order: 'desc' }, { signal }),
    (each) => {
      const { text, data } = backupRow(each);
      const { rows, bytes } = each.contained ?? {};
      const held = { rows, table_size: sizeInWords(bytes) };
      const words = [rows === undefined ? undefined : `${rows} rows`, held.table_size].filter(Boolean).join(', ');
      return { text: `${text} · of it ${words || 'nothing is recorded'}`, data: { ...data, ...held } };
    },
  );
  return {
    text: [`${page.count} backups hold ${quoteText(table, 140)}:`, ...page.rows.map(({ text }) => text)],
    data: { backups: page.rows.map(({ data }) => data), count: page.count, next_cursor: page.next_cursor },
    warnings: page.warnings,
    next: page.next_cursor && goOnWith('show_backup', page.next_cursor),
  };
}

function wantedTable(text: string): { schema: string; table?: string } {
  const pattern = parseTablePattern(text.trim());
  if (pattern === undefined) {
    throw new SkybackupError('invalid_request', `${quoteText(text)} names no table.`, {
      hint: 'Write shop.orders for one table, shop.* for all of a schema.',
    });
  }
  const { schema, table } = pattern;
  return { schema, ...(table === undefined ? {} : { table }) };
}

function tableRow({ schema, name, engine, rows, bytes }: ContainedTable): Row {
  const data = {
    table: quoteText(`${schema}.${name}`, 140),
    engine: engine && quoteText(engine),
    rows,
    size: sizeInWords(bytes),
  };
  const counted = rows === undefined ? undefined : `${rows} rows`;
  return { data, text: `- ${[data.table, data.engine, counted, data.size].filter(Boolean).join(' · ')}` };
}
