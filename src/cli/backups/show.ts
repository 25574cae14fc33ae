import type { BackupContents } from '../../contract/contents.ts';
import { sizeInWords, timeInWords } from '../../mcp/sizes-and-times.ts';
import { table } from '../table.ts';
import { exitCodes, type Terminal, UsageError } from '../terminal.ts';
import { daemonOf, withApi } from '../with-api.ts';

export interface ShowOptions {
  schema?: string;
  table?: string;
  page?: string;
}

const pageSize = 100;

/** What a backup holds, without fetching any of it. */
export function showBackup(terminal: Terminal, id: string, { schema, table, page }: ShowOptions): Promise<number> {
  return withApi(terminal, async (api) => {
    const number = page === undefined ? 1 : Number(page);
    if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`--page ${page} is no page.`);
    const query = { schema, table, page: number, page_size: pageSize };
    const contents = await daemonOf(api, 'Looking into a backup').getContents(id, query);
    terminal.result(contents, inWords(contents, number));
    return exitCodes.done;
  });
}

function inWords(contents: BackupContents, page: number): string[] {
  const { backup_id, type, service_id, point_in_time, server_version, schemas, tables, tables_count } = contents;
  const { pages_count, logs = [] } = contents;
  const bytes = schemas.reduce((sum, schema) => sum + schema.bytes, 0);
  return [
    `${backup_id}: ${type} of ${service_id}, MariaDB ${server_version}, data of ${timeInWords(point_in_time)}.`,
    ...(schemas.length === 0
      ? []
      : [
          `${schemas.length} schemas, ${sizeInWords(bytes)} when it was taken. Rows of InnoDB tables are estimates.`,
          '',
          ...table(
            ['SCHEMA', 'TABLES', 'ROWS', 'SIZE'],
            schemas.map((each) => [each.schema, `${each.tables}`, `${each.rows}`, sizeInWords(each.bytes)]),
          ),
          '',
          ...table(
            ['TABLE', 'ENGINE', 'ROWS', 'SIZE'],
            tables.map((each) => [
              `${each.schema}.${each.name}`,
              each.engine,
              each.rows === undefined ? undefined : `${each.rows}`,
              sizeInWords(each.bytes),
            ]),
          ),
          ...(pages_count > page
            ? [`Page ${page} of ${pages_count} (${tables_count} tables): --page ${page + 1}`]
            : []),
        ]),
    ...(logs.length === 0
      ? []
      : [
          '',
          ...table(
            ['LOG', 'SIZE', 'TRANSACTIONS', 'FROM', 'TO'],
            logs.map((log) => [
              log.name,
              sizeInWords(log.bytes),
              `${log.transactions}`,
              log.first_event_at,
              log.last_event_at,
            ]),
          ),
        ]),
  ];
}
