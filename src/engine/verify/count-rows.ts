import type { JobContext } from '../job-context.ts';
import type { SqlConnection } from '../mariadb/connect.ts';
import { quoted } from '../mariadb/quoted.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { RowCount } from '../store/verifications-table.ts';
import { ownTables } from './check-tables.ts';

const system = new Set(['mysql', 'sys']);
const mostTold = 50;
/** Below these an estimate that is off by half says nothing. */
const fewRows = 100;

/**
 * Counts every table and returns those that differ most from what the manifest recorded, told and not judged: InnoDB only
 * estimates its rows. A table that has none where many were recorded is warned of.
 */
export async function countRows(manifest: Manifest, server: SqlConnection, job: JobContext): Promise<RowCount[]> {
  const recorded = new Map(manifest.tables.map((table) => [nameOf(table), table.rows]));
  const tables = (await ownTables(server)).filter(({ schema }) => !system.has(schema));
  job.phase('counting_rows', `Counting the rows of ${tables.length} tables.`);
  const counts: RowCount[] = [];
  for (const { schema, name } of tables) {
    job.signal.throwIfAborted();
    const [row] = await server.query<{ rows: number }>(`SELECT COUNT(*) AS \`rows\` FROM ${quoted(schema, name)}`);
    const table = nameOf({ schema, name });
    counts.push({ table, rows: row?.rows ?? 0, recorded: recorded.get(table) ?? null });
  }
  const empty = counts.filter(({ rows, recorded }) => rows === 0 && (recorded ?? 0) >= fewRows);
  if (empty.length > 0) {
    const some = empty.slice(0, 5).map(({ table, recorded }) => `${table} (about ${recorded})`);
    job.warn(`${empty.length} table(s) are empty though rows were recorded: ${some.join(', ')}.`);
  }
  return counts.sort((a, b) => difference(b) - difference(a) || b.rows - a.rows).slice(0, mostTold);
}

function nameOf({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

function difference({ rows, recorded }: RowCount): number {
  return Math.abs(rows - (recorded ?? 0));
}
