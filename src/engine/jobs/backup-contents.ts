import type { BackupContents, ContainedTable, ContentsQuery } from '../../contract/contents.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import { defaultPageSize, present } from '../store/rows.ts';
import { readManifest } from './restore-source.ts';
import { findBackup } from './restore-subject.ts';

/** What a backup holds, read from its manifest alone. Throws `not_found`, `conflict` for one that is not there yet. */
export async function backupContents(
  context: EngineContext,
  id: string,
  query: ContentsQuery,
): Promise<BackupContents> {
  const { service_id, status } = findBackup(context, id);
  if (status !== 'Succeeded') {
    throw new SkybackupError('conflict', `Backup ${id} is ${status}: what it holds is known once it succeeded.`, {
      hint: 'Choose a backup whose status is Succeeded.',
      retryable: false,
    });
  }
  const manifest = await readManifest(context, service_id, id);
  const tables = manifest.tables.map(containedTable);
  const wanted = tables
    .filter(({ schema, name }) => isNamed(schema, query.schema) && isNamed(name, query.table))
    .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0) || (nameOf(a) < nameOf(b) ? -1 : 1));
  const { page = 1, page_size: size = defaultPageSize } = query;
  return {
    backup_id: id,
    service_id,
    type: manifest.type,
    point_in_time: manifest.point_in_time,
    server_version: manifest.server.version,
    schemas: schemasOf(tables),
    tables: wanted.slice((page - 1) * size, page * size),
    tables_count: wanted.length,
    pages_count: Math.ceil(wanted.length / size),
    ...present({ logs: logsOf(manifest) }),
  };
}

function containedTable({ schema, name, engine, rows, bytes }: Manifest['tables'][number]): ContainedTable {
  return {
    schema,
    name,
    ...present({ engine: engine ?? undefined, rows: rows ?? undefined, bytes: bytes ?? undefined }),
  };
}

function isNamed(name: string, wanted: string | undefined): boolean {
  return wanted === undefined || name.toLowerCase() === wanted.toLowerCase();
}

function nameOf({ schema, name }: ContainedTable): string {
  return `${schema}.${name}`;
}

/** The largest first. */
function schemasOf(tables: readonly ContainedTable[]): BackupContents['schemas'] {
  const sum = (list: readonly ContainedTable[], of: 'rows' | 'bytes'): number =>
    list.reduce((total, table) => total + (table[of] ?? 0), 0);
  return [...Map.groupBy(tables, ({ schema }) => schema)]
    .map(([schema, list]) => ({ schema, tables: list.length, rows: sum(list, 'rows'), bytes: sum(list, 'bytes') }))
    .sort((a, b) => b.bytes - a.bytes);
}

function logsOf({ logs }: Manifest): BackupContents['logs'] {
  return logs?.map(({ name, bytes, transactions, first_event_at, last_event_at }) => ({
    name,
    bytes,
    transactions,
    ...present({ first_event_at: first_event_at ?? undefined, last_event_at: last_event_at ?? undefined }),
  }));
}
