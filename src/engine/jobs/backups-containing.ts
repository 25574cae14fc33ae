import type { Backup, BackupQuery } from '../../contract/backups.ts';
import { SkybackupError } from '../../contract/errors.ts';
import type { Page } from '../../contract/pages.ts';
import { parseTablePattern, type TablePattern } from '../../contract/table-pattern.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { BackupRow } from '../store/backups-index.ts';
import { present } from '../store/rows.ts';

/** Each row of a page is looked up in its manifest, for sizes and rows. */
const largestPage = 100;

/** The good backups that hold a table, with its size and rows in each: found by the index, and only the page's manifests are read. */
export async function backupsContaining(
  { state, repository }: EngineContext,
  { contains, status, type, page_size = largestPage, ...query }: BackupQuery & { contains: string },
  view: (row: BackupRow) => Backup,
): Promise<Page<Backup>> {
  const wanted = parseTablePattern(contains);
  if (wanted === undefined) {
    throw new SkybackupError('invalid_request', `"${contains.slice(0, 140)}" names no table.`, {
      hint: 'Write shop.orders for one table, shop.* for any of a schema.',
    });
  }
  if (status !== undefined || type !== undefined || page_size > largestPage) {
    throw new SkybackupError(
      'invalid_request',
      `With "contains" all backups that succeeded are listed, at most ${largestPage} a page.`,
      { hint: `Leave "status" and "type" out, and give a "page_size" up to ${largestPage}.` },
    );
  }
  const page = state.backups.read(state.tables.list({ ...query, page_size, contains: wanted }));
  const items: Backup[] = [];
  for (const row of page.items) {
    // One that was damaged or deleted in this moment is listed all the same; it only tells no sizes.
    const manifest = await repository.manifest(row.service_id, row.id).catch(() => undefined);
    items.push({ ...view(row), ...present({ contained: manifest && containedIn(manifest, wanted) }) });
  }
  return { items, count: page.count, pages: page.pages };
}

function containedIn({ tables }: Manifest, { schema, table }: TablePattern): NonNullable<Backup['contained']> {
  const same = (name: string, wanted: string | undefined): boolean =>
    wanted === undefined || name.toLowerCase() === wanted.toLowerCase();
  const found = tables.filter((each) => same(each.schema, schema) && same(each.name, table));
  const sum = (of: 'rows' | 'bytes'): number | undefined =>
    found.reduce<number | undefined>((total, each) => (each[of] === null ? total : (total ?? 0) + each[of]), undefined);
  return { tables: found.length, ...present({ rows: sum('rows'), bytes: sum('bytes') }) };
}
